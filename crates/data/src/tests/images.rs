//! Images turned to the model's size and channels.

use image::{GrayAlphaImage, GrayImage, ImageBuffer, Luma, LumaA, Rgba, RgbaImage};

use super::super::{decode_image, load_image};
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
fn the_same_size_keeps_every_byte() {
    let image = image(1, 5, 3);
    let (pixels, notes) = decoded(&png(image.clone()), shape(3, 3, 5));
    assert_eq!(pixels, planes(&image));
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn colour_to_grey_has_the_bytes_of_pillow() {
    let colours = [([255, 0, 0], 76), ([0, 255, 0], 150), ([0, 0, 255], 29), ([10, 200, 90], 131), ([255; 3], 255)];
    // Sums that end 1 above and 1 below a step, so that no weight can be off by one.
    let edges = [([223, 40, 196], 113), ([64, 247, 91], 174)];
    let colours = [colours.as_slice(), &edges].concat();
    let image = RgbImage::from_fn(7, 1, |x, _| Rgb(colours[x as usize].0));
    let (pixels, notes) = decoded(&png(image), shape(1, 1, 7));
    assert_eq!(pixels, colours.iter().map(|colour| colour.1).collect::<Vec<_>>());
    assert_eq!(notes, ["colour turned to grey"]);
}

#[test]
fn grey_to_colour_repeats_the_plane() {
    let image = GrayImage::from_raw(2, 1, vec![7, 250]).unwrap();
    let (pixels, notes) = decoded(&png(image), shape(3, 1, 2));
    assert_eq!(pixels, [7, 250, 7, 250, 7, 250]);
    assert_eq!(notes, ["grey turned to colour"]);
}

#[test]
fn alpha_is_laid_on_white() {
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
fn sixteen_bits_are_rounded() {
    let image: ImageBuffer<Luma<u16>, _> = ImageBuffer::from_raw(4, 1, vec![0_u16, 128, 129, 65_535]).unwrap();
    let (pixels, notes) = decoded(&png(DynamicImage::ImageLuma16(image)), shape(1, 1, 4));
    assert_eq!(pixels, [0, 0, 1, 255]);
    assert_eq!(notes, ["16 bits a channel turned to 8"]);
    let image: ImageBuffer<Rgba<u16>, _> = ImageBuffer::from_pixel(1, 1, Rgba([257_u16, 514, 65_535, 65_535]));
    assert_eq!(decoded(&png(DynamicImage::ImageRgba16(image)), shape(3, 1, 1)).0, [1, 2, 255]);
}

#[test]
fn other_sizes_are_cropped_in_the_centre_and_resized() {
    // Left and right quarters red, the middle blue: only the middle is left.
    let wide =
        RgbImage::from_fn(64, 32, |x, _| if (16..48).contains(&x) { Rgb([0, 0, 255]) } else { Rgb([255, 0, 0]) });
    let (pixels, notes) = decoded(&png(wide.clone()), shape(3, 8, 8));
    assert_eq!(notes, ["resized from 64x32 to 8x8, centre crop"]);
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
    assert_eq!(notes, ["resized from 2x2 to 8x8"]);
    // The halves of an image stay halves.
    let halves = GrayImage::from_fn(64, 64, |x, _| Luma([if x < 32 { 0 } else { 255 }]));
    let (pixels, _) = decoded(&png(halves), shape(1, 4, 4));
    assert!(pixels.chunks(4).all(|row| row[0] < 10 && row[1] < 60 && row[2] > 195 && row[3] > 245), "{pixels:?}");
}

#[test]
fn extreme_shapes_do_not_break_it() {
    for (width, height) in [(1, 1), (4096, 1), (1, 4096), (3, 2)] {
        for target in [shape(3, 8, 8), shape(1, 1, 1), shape(3, 1, 64), shape(1, 64, 1)] {
            decoded(&png(image(1, width, height)), target);
        }
    }
}

#[test]
fn bad_queries_are_errors() {
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
fn images_load_from_files() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("query.webp");
    write(&file, &encoded(image(3, 8, 8), ImageFormat::WebP));
    let loaded = load_image(&file, RGB8).unwrap();
    assert_eq!((loaded.name.as_str(), loaded.pixels), ("query.webp", planes(&image(3, 8, 8))));
    assert!(matches!(load_image(root.path(), RGB8), Err(Error::Io { .. })));
    assert!(matches!(load_image(&root.path().join("missing.png"), RGB8), Err(Error::Io { .. })));
}

#[test]
fn a_jpeg_with_a_thumbnail_is_cut_short_without_its_own_end() {
    let whole = encoded(image(1, 32, 32), ImageFormat::Jpeg);
    let thumbnail = [b"\xff\xe1\x00\x0aExif\0\0\xff\xd9".as_slice(), &whole[2..]].concat();
    let with = [&whole[..2], &thumbnail].concat();
    assert!(decode_image(&with, "q.jpg", RGB8).is_ok());
    let error = decode_image(&with[..with.len() - 200], "q.jpg", RGB8).unwrap_err();
    assert!(error.to_string().contains("cut short"), "{error}");
}

#[test]
fn flipped_bytes_never_escape_as_a_panic() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let whole = encoded(image(9, 16, 16), format);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            let _ = decode_image(&bytes, "q", RGB8);
            let _ = decode_image(&whole[..at], "q", RGB8);
        }
    }
}
