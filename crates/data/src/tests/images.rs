//! Images converted to the model's size and channels.

use image::{GrayAlphaImage, GrayImage, ImageBuffer, Luma, LumaA, Rgba, RgbaImage};

use super::super::decode::decode;
use super::super::{Limits, decode_image, load_image};
use super::*;

fn shape(channels: usize, height: usize, width: usize) -> ImageShape {
    ImageShape { channels, height, width }
}

fn decoded(bytes: &[u8], shape: ImageShape) -> (Vec<u8>, Vec<String>) {
    let image = decode_image(bytes, "query.png", shape).unwrap();
    assert_eq!(image.pixels.len(), shape.numel());
    (image.pixels, image.notes)
}

#[test]
fn an_image_of_the_right_shape_is_unchanged() {
    let image = image(1, 5, 3);
    let (pixels, notes) = decoded(&png(image.clone()), shape(3, 3, 5));
    assert_eq!(pixels, planes(&image));
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn colour_converts_to_grey_as_in_pillow() {
    let colours = [([255, 0, 0], 76), ([0, 255, 0], 150), ([0, 0, 255], 29), ([10, 200, 90], 131), ([255; 3], 255)];
    // Sums that end 1 above and 1 below a step, so that no weight can be off by one.
    let edges = [([223, 40, 196], 113), ([64, 247, 91], 174)];
    let colours = [colours.as_slice(), &edges].concat();
    let image = RgbImage::from_fn(7, 1, |x, _| Rgb(colours[x as usize].0));
    let (pixels, notes) = decoded(&png(image), shape(1, 1, 7));
    assert_eq!(pixels, colours.iter().map(|colour| colour.1).collect::<Vec<_>>());
    assert_eq!(notes, ["converted to greyscale"]);
}

#[test]
fn grey_converts_to_colour_by_repeating_its_plane() {
    let image = GrayImage::from_raw(2, 1, vec![7, 250]).unwrap();
    let (pixels, notes) = decoded(&png(image), shape(3, 1, 2));
    assert_eq!(pixels, [7, 250, 7, 250, 7, 250]);
    assert_eq!(notes, ["greyscale converted to colour"]);
}

#[test]
fn transparent_pixels_are_laid_on_white() {
    let image = RgbaImage::from_raw(3, 1, vec![0, 100, 200, 128, 9, 8, 7, 255, 1, 2, 3, 0]).unwrap();
    let (pixels, notes) = decoded(&png(image), shape(3, 1, 3));
    // (100 * 128 + 255 * 127 + 127) / 255 = 177, and so on.
    assert_eq!(pixels, [127, 9, 255, 177, 8, 255, 227, 7, 255]);
    assert_eq!(notes, ["transparent pixels laid on white"]);
    let opaque = RgbaImage::from_pixel(2, 2, Rgba([1, 2, 3, 255]));
    assert!(decoded(&png(opaque), shape(3, 2, 2)).1.is_empty());
    let grey = GrayAlphaImage::from_pixel(1, 1, LumaA([3, 128]));
    assert_eq!(decoded(&png(grey), shape(1, 1, 1)).0, [129], "128.51, rounded");
}

#[test]
fn sixteen_bit_samples_are_rounded_to_eight_bits() {
    let image: ImageBuffer<Luma<u16>, _> = ImageBuffer::from_raw(4, 1, vec![0_u16, 128, 129, 65_535]).unwrap();
    let (pixels, notes) = decoded(&png(DynamicImage::ImageLuma16(image)), shape(1, 1, 4));
    assert_eq!(pixels, [0, 0, 1, 255]);
    assert_eq!(notes, ["16 bits per channel reduced to 8"]);
    let image: ImageBuffer<Rgba<u16>, _> = ImageBuffer::from_pixel(1, 1, Rgba([257_u16, 514, 65_535, 65_535]));
    assert_eq!(decoded(&png(DynamicImage::ImageRgba16(image)), shape(3, 1, 1)).0, [1, 2, 255]);
}

#[test]
fn images_of_other_sizes_are_cropped_in_the_centre_and_resized() {
    // Left and right quarters red, the middle blue: only the middle is left.
    let wide =
        RgbImage::from_fn(64, 32, |x, _| if (16..48).contains(&x) { Rgb([0, 0, 255]) } else { Rgb([255, 0, 0]) });
    let (pixels, notes) = decoded(&png(wide.clone()), shape(3, 8, 8));
    assert_eq!(notes, ["resized from 64 × 32 to 8 × 8, centre crop"]);
    assert_eq!(pixels, [vec![0; 128], vec![255; 64]].concat());
    // Cropped without resampling: exact bytes.
    let (pixels, _) = decoded(&png(wide), shape(3, 32, 32));
    assert_eq!(pixels, [vec![0; 2048], vec![255; 1024]].concat());
    let tall = RgbImage::from_fn(3, 9, |x, y| {
        if (3..6).contains(&y) { image(4, 3, 9).get_pixel(x, y - 3).to_owned() } else { Rgb([0; 3]) }
    });
    let (pixels, _) = decoded(&png(tall), shape(3, 3, 3));
    let expected = RgbImage::from_fn(3, 3, |x, y| *image(4, 3, 9).get_pixel(x, y));
    assert_eq!(pixels, planes(&expected));
    // Enlarging keeps a flat image flat and names no crop.
    let (pixels, notes) = decoded(&png(RgbImage::from_pixel(2, 2, Rgb([1, 99, 200]))), shape(3, 8, 8));
    assert_eq!(pixels, [vec![1; 64], vec![99; 64], vec![200; 64]].concat());
    assert_eq!(notes, ["resized from 2 × 2 to 8 × 8"]);
    // The halves of an image stay halves.
    let halves = GrayImage::from_fn(64, 64, |x, _| Luma([if x < 32 { 0 } else { 255 }]));
    let (pixels, _) = decoded(&png(halves), shape(1, 4, 4));
    assert!(pixels.chunks(4).all(|row| row[0] < 10 && row[1] < 60 && row[2] > 195 && row[3] > 245), "{pixels:?}");
}

#[test]
fn extreme_aspect_ratios_are_converted() {
    for (width, height) in [(1, 1), (4096, 1), (1, 4096), (3, 2)] {
        for target in [shape(3, 8, 8), shape(1, 1, 1), shape(3, 1, 64), shape(1, 64, 1)] {
            decoded(&png(image(1, width, height)), target);
        }
    }
}

#[test]
fn unreadable_queries_are_errors_that_name_the_file() {
    let whole = png(image(1, 8, 8));
    for bytes in
        [b"".as_slice(), b"no image", &whole[..whole.len() - 30], &png_header(50_000, 2), &png_header(16_000, 16_000)]
    {
        let error = decode_image(bytes, "query.png", RGB8).unwrap_err();
        assert!(is_input(&error) && error.to_string().contains("query.png"), "{error}");
    }
    for bad in [shape(2, 8, 8), shape(0, 8, 8), shape(3, 0, 8), shape(3, 8, usize::MAX)] {
        assert!(is_input(&decode_image(&whole, "query.png", bad).unwrap_err()));
    }
}

#[test]
fn load_image_reads_files_and_reports_missing_ones() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("query.webp");
    write(&file, &encoded(image(3, 8, 8), ImageFormat::WebP));
    let loaded = load_image(&file, RGB8).unwrap();
    assert_eq!((loaded.name.as_str(), loaded.pixels), ("query.webp", planes(&image(3, 8, 8))));
    assert!(matches!(load_image(root.path(), RGB8), Err(Error::Io { .. })));
    assert!(matches!(load_image(&root.path().join("missing.png"), RGB8), Err(Error::Io { .. })));
}

#[test]
fn the_end_marker_of_a_thumbnail_does_not_make_a_jpeg_whole() {
    let whole = encoded(image(1, 32, 32), ImageFormat::Jpeg);
    let thumbnail = [b"\xff\xe1\x00\x0aExif\0\0\xff\xd9".as_slice(), &whole[2..]].concat();
    let with = [&whole[..2], &thumbnail].concat();
    assert!(decode_image(&with, "q.jpg", RGB8).is_ok());
    let error = decode_image(&with[..with.len() - 200], "q.jpg", RGB8).unwrap_err();
    assert!(error.to_string().contains("cut short"), "{error}");
}

#[test]
fn damaged_images_never_panic() {
    for format in
        [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::Gif]
    {
        let whole = encoded(image(9, 16, 16), format);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            let _ = decode_image(&bytes, "q", RGB8);
            let _ = decode_image(&whole[..at], "q", RGB8);
        }
    }
}

/// An EXIF block with an orientation and nothing else.
fn exif(orientation: u8) -> Vec<u8> {
    let tag = [0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0];
    [b"II*\0\x08\0\0\0\x01\0".as_slice(), &tag, &[0; 4]].concat()
}

/// A PNG with an extra chunk behind its header.
fn with_chunk(png: &[u8], kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let (head, rest) = png.split_at(33);
    [head, &png_chunk(kind, data), rest].concat()
}

#[test]
fn images_are_turned_as_their_exif_orientation_says() {
    let upright = image(5, 6, 4);
    let turn = |orientation| -> RgbImage {
        match orientation {
            2 => image::imageops::flip_horizontal(&upright),
            3 => image::imageops::rotate180(&upright),
            4 => image::imageops::flip_vertical(&upright),
            5 => image::imageops::flip_horizontal(&image::imageops::rotate90(&upright)),
            6 => image::imageops::rotate90(&upright),
            7 => image::imageops::flip_horizontal(&image::imageops::rotate270(&upright)),
            8 => image::imageops::rotate270(&upright),
            _ => upright.clone(),
        }
    };
    for orientation in 0..=9 {
        let expected = turn(orientation);
        let size = shape(3, expected.height() as usize, expected.width() as usize);
        let (pixels, notes) = decoded(&with_chunk(&png(upright.clone()), b"eXIf", &exif(orientation)), size);
        assert_eq!(pixels, planes(&expected), "orientation {orientation}");
        let turned = if (2..=8).contains(&orientation) { vec!["turned as its EXIF orientation says"] } else { vec![] };
        assert_eq!(notes, turned, "orientation {orientation}");
    }
    // A JPEG holds the same block in an application segment.
    let plain = encoded(upright, ImageFormat::Jpeg);
    let block = [b"Exif\0\0".as_slice(), &exif(6)].concat();
    let length = u16::try_from(block.len() + 2).unwrap().to_be_bytes();
    let tagged = [&plain[..2], b"\xff\xe1", &length, &block, &plain[2..]].concat();
    let (straight, _) = decoded(&plain, shape(3, 4, 6));
    let (turned, notes) = decoded(&tagged, shape(3, 6, 4));
    assert_eq!(notes, ["turned as its EXIF orientation says"]);
    let plane = GrayImage::from_raw(6, 4, straight[..24].to_vec()).unwrap();
    assert_eq!(turned[..24], *image::imageops::rotate90(&plane).into_raw());
    // A damaged block costs the orientation, not the image.
    let damaged = with_chunk(&png(image(5, 6, 4)), b"eXIf", b"II*\0\xff\xff\xff\xff");
    assert_eq!(decoded(&damaged, shape(3, 4, 6)).0, planes(&image(5, 6, 4)));
}

#[test]
fn colour_profiles_are_never_unpacked() {
    // A profile of 3 MiB in a file that may take 1 MiB: unpacked first, it would refuse the image.
    let mut profile = b"p\0\0\x78\x01".to_vec();
    for block in 0..48 {
        let length = u16::MAX;
        profile.push(u8::from(block == 47));
        profile.extend(length.to_le_bytes());
        profile.extend((!length).to_le_bytes());
        profile.extend([0; u16::MAX as usize]);
    }
    let file = with_chunk(&png(image(1, 8, 8)), b"iCCP", &profile);
    let limits = Limits { max_alloc: 1 << 20, ..Limits::default() };
    assert_eq!(decode(&file, &limits).unwrap().size, (8, 8));
}

#[test]
fn bmp_tiff_and_gif_images_are_read() {
    for format in [ImageFormat::Bmp, ImageFormat::Tiff] {
        assert_eq!(decoded(&encoded(image(3, 7, 5), format), shape(3, 5, 7)).0, planes(&image(3, 7, 5)), "{format:?}");
    }
    // Of an animation the first frame counts.
    let frame = |value: u8| image::Frame::new(RgbaImage::from_pixel(4, 4, Rgba([value, 0, 0, 255])));
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    encoder.encode_frames([frame(255), frame(0)]).unwrap();
    drop(encoder);
    let (pixels, notes) = decoded(&bytes, shape(3, 4, 4));
    assert_eq!(pixels, [vec![255; 16], vec![0; 32]].concat());
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn other_formats_are_refused_by_name() {
    let error = decode_image(b"qoif and more", "a.png", RGB8).unwrap_err().to_string();
    assert!(error.contains("qoi images are not read"), "{error}");
    let error = decode_image(b"\0\0\0\x20ftypavif and more", "a.png", RGB8).unwrap_err().to_string();
    assert!(error.contains("avif images are not read"), "{error}");
}
