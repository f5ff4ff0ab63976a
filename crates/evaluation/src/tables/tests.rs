use std::path::{Path, PathBuf};

use super::*;

pub(crate) fn written(text: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

pub(crate) fn read(text: impl AsRef<[u8]>) -> Result<ScoreTable> {
    let (_folder, path) = written(text);
    ScoreTable::read(&path, None)
}

fn refusal(text: impl AsRef<[u8]>) -> String {
    read(text).unwrap_err().to_string()
}

fn names(table: &ScoreTable) -> Vec<String> {
    table.groups.iter().map(Group::label).collect()
}

fn ids(table: &ScoreTable) -> Vec<Option<usize>> {
    table.groups.iter().map(|g| g.id).collect()
}

#[test]
fn the_official_long_layout() {
    let table = read("image,class_id,delta_elbo\na.png,1,2.5\na.png,0,-1e-07\nb.png,0,3\nb.png,1,4\n").unwrap();
    assert_eq!(table.queries, ["a.png", "b.png"]);
    assert_eq!(ids(&table), [Some(0), Some(1)]);
    assert_eq!(table.values, [[-1e-7, 2.5], [3.0, 4.0]]);
    assert_eq!(table.errors, None);
}

#[test]
fn the_official_sorted_layout() {
    let text = "image,R1_Cls,R1_Name,R1_Sc,R2_Cls,R2_Name,R2_Sc\r\na.png,3,3: cat,2.5000,1,1: oil: thin,0.000500\r\n";
    let table = read(text).unwrap();
    assert_eq!(ids(&table), [Some(1), Some(3)]);
    assert_eq!(names(&table), ["oil: thin", "cat"]);
    assert_eq!(table.values, [[0.0005, 2.5]]);
}

#[test]
fn the_wide_layout_with_ids_or_names() {
    let table = read("image_id,1,0\na,2.5,1\n").unwrap();
    assert_eq!((ids(&table), table.values), (vec![Some(0), Some(1)], vec![vec![1.0, 2.5]]));
    let table = read("image,ink,wash\na,2.5,1\n").unwrap();
    assert_eq!((names(&table), ids(&table)), (vec!["ink".into(), "wash".into()], vec![None, None]));
}

const OURS: &str = "query,group,score_nats,std_err,low_95,high_95,rank,bits_per_dim,evaluations,method\n";

#[test]
fn our_own_layout_with_one_method_or_several() {
    let one = format!("{OURS}q,ink,2,0.5,1,3,1,0.1,10,guda\nq,wash,1,0.25,1,3,2,0.1,10,guda\n");
    let table = read(&one).unwrap();
    assert_eq!(table.method.as_deref(), Some("guda"));
    assert_eq!(table.errors, Some(vec![vec![0.5, 0.25]]));
    let two = format!("{one}q,wash,7,0,1,3,1,0.1,10,gaussian\nq,ink,6,0,1,3,2,0.1,10,gaussian\n");
    assert!(refusal(&two).contains("scores by 2 methods: guda, gaussian"), "{}", refusal(&two));
    let (_folder, path) = written(&two);
    let table = ScoreTable::read(&path, Some("gaussian")).unwrap();
    assert_eq!(table.values, [[7.0, 6.0]]);
    let unknown = ScoreTable::read(&path, Some("magic")).unwrap_err().to_string();
    assert!(unknown.contains("no scores by magic, only by guda, gaussian"), "{unknown}");
    let (_folder, path) = written("image,group,score\na,x,1\na,y,2\n");
    assert!(ScoreTable::read(&path, Some("guda")).unwrap_err().to_string().contains("no column method"));
}

#[test]
fn truth_files_give_standard_errors() {
    let table = read("image,group,delta_elbo,sd,draws\na,x,1,0.5,4\na,y,2,1,16\n").unwrap();
    assert_eq!(table.errors, Some(vec![vec![0.25, 0.25]]));
    assert!(
        refusal("image,group,delta_elbo,sd,draws\na,x,1,-1,4\na,y,2,1,16\n").contains("standard deviation of a and x")
    );
    assert!(refusal("image,group,delta_elbo,sd,draws\na,x,1,1,0\na,y,2,1,16\n").contains("draws"));
}

#[test]
fn the_layout_of_unlearn_canvas() {
    let text = "generated_style,object_name,attribution_style,una_score,image_path\n\
                Bricks,Cats,Bricks,5,Bricks/Bricks_Cats.png\nBricks,Cats,Artist Sketch,1,Bricks/Bricks_Cats.png\n";
    let table = read(text).unwrap();
    assert_eq!(table.queries, ["Bricks/Bricks_Cats.png"]);
    assert_eq!(names(&table), ["Bricks", "Artist Sketch"]);
}

#[test]
fn byte_order_marks_blanks_and_windows_lines_are_no_hindrance() {
    let table = read("\u{feff}image,class_id,delta_elbo\r\na.png, 0 , 1.5\r\n\r\na.png,1,2\r\n").unwrap();
    assert_eq!(table.values, [[1.5, 2.0]]);
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place() {
    let long = |rows: &str| refusal(format!("image,group,score\n{rows}"));
    for (message, expected) in [
        (refusal(""), "the file is empty"),
        (refusal("image,group,score\n"), "a header and no scores"),
        (refusal("image,group,value\na,x,1\n"), "the header image,group,value is no known layout"),
        (refusal("image,group,value\na,x,1\n"), "known layouts are"),
        (refusal("a,b\n1,2\n"), "no known layout"),
        (refusal("image,group,score,delta_elbo\na,x,1,2\n"), "two columns of scores, score and delta_elbo"),
        (refusal("image,x,x\na,1,2\n"), "names the column x twice"),
        (refusal("image,R1_Cls,R1_Name,R2_Sc\na,1,1: x,2\n"), "no known layout"),
        (long("a,cat,\na,dog,1\n"), "a has no score for cat"),
        (long("a,cat,1\na,dog,nan\n"), "the score of a for dog is nan, not a finite number"),
        (long("a,cat,1\na,dog,-inf\n"), "not a finite number"),
        (long("a,cat,1\na,dog,1.2e\n"), "is `1.2e`, no number"),
        (long("a,cat,1\na,dog,1.2e\n"), "table.csv, line 3"),
        (long("a,cat,1\na,dog,2\na,cat,3\n"), "a has a second score for cat, the first is on line 2"),
        (long("a,cat,1\na,dog,2\na,cat,3\n"), "line 4"),
        (long("a,cat,1\na,dog,2\nb,dog,3\n"), "a score is missing: b has no score for cat"),
        (long("a,cat,1\nb,cat,2\n"), "only one group, cat"),
        (long("a,cat,1\na,dog\n"), "the row has 2 fields where the header has 3: it is cut off"),
        (long("a,cat,1\na,dog\n"), "line 3"),
        (long("a,cat,1\n,dog,2\n"), "the row names no query"),
        (long("a,cat,1\na,,2\n"), "the row names no group"),
        (refusal("image_id,0,1\na,1,\n"), "a has no score for 1"),
        (refusal(&b"image,group,score\na,\xff,1\n"[..]), "not UTF-8"),
        (refusal("image,R1_Cls,R1_Name,R1_Sc,R2_Cls,R2_Name,R2_Sc\na,1,1: x,2,,,\n"), "a has only 1 of 2 groups"),
        (refusal("image,R1_Cls,R1_Name,R1_Sc,R2_Cls,R2_Name,R2_Sc\na,1,2: x,2,0,0: y,1\n"), "with another class id"),
        (
            refusal("image,R1_Cls,R1_Name,R1_Sc,R2_Cls,R2_Name,R2_Sc\na,1,1: x,2,0,0: y,1\nb,1,1: y,2,0,0: x,1\n"),
            "class 1 is called y here and x before",
        ),
    ] {
        assert!(message.contains(expected), "{message:?} does not say {expected:?}");
        assert!(message.contains("table.csv"), "{message}");
    }
    for text in ["image,group,score\na,x,1\n\n\na,y,nan\n", "\u{feff}image,group,score\r\na,x,1\r\n\r\n\r\na,y\r\n"] {
        assert!(refusal(text).contains("line 5"), "empty lines count: {}", refusal(text));
    }
    let many: String = (0..9).map(|i| format!("q{i},cat,1\n")).collect();
    let message = long(&format!("{many}z,cat,1\nz,dog,1\n"));
    assert!(message.contains("q4 has no score for dog and 4 more"), "{message}");
}

fn sample() -> ScoreTable {
    read(
        "image,R1_Cls,R1_Name,R1_Sc,R2_Cls,R2_Name,R2_Sc,R3_Cls,R3_Name,R3_Sc\n\
         out/a.png,1,1: cat,12.34567,0,0: car,0.0005,2,2: dog,-1e-9\n\
         out/b.png,2,2: dog,3,0,0: car,0,1,1: cat,0\n",
    )
    .unwrap()
}

#[test]
fn the_sorted_layout_is_written_byte_for_byte() {
    let (_folder, path) = written("");
    sample().write_official_sorted(&path, None).unwrap();
    let expected = "image,R1_Cls,R1_Name,R1_Sc,R2_Cls,R2_Name,R2_Sc,R3_Cls,R3_Name,R3_Sc\r\n\
                    a.png,1,1: cat,12.3457,0,0: car,0.000500,2,2: dog,-1.000000e-09\r\n\
                    b.png,2,2: dog,3.0000,0,0: car,0.000000,1,1: cat,0.000000\r\n";
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    let back = ScoreTable::read(&path, None).unwrap();
    assert_eq!((back.groups, back.queries), (sample().groups, vec!["a.png".to_owned(), "b.png".to_owned()]));
    let again = ScoreTable::read(&path, None).unwrap();
    again.write_official_sorted(&path, None).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected, "writing what was read changes nothing");
}

#[test]
fn the_long_layout_gives_every_digit_back() {
    let (_folder, path) = written("");
    sample().write_official_long(&path, None).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("image,class_id,delta_elbo\r\nout/a.png,0,0.0005\r\nout/a.png,1,12.34567\r\n"), "{text}");
    assert!(text.contains("out/a.png,2,-1e-09\r\n"), "as Python writes it: {text}");
    let back = ScoreTable::read(&path, None).unwrap();
    assert_eq!((back.values, back.queries), (sample().values, sample().queries));
}

#[test]
fn numbers_are_written_as_python_writes_them() {
    use super::write::{in_full, rounded};
    // Written by Python 3: repr(x), and the published rule with f"{x:.4f}" and so on.
    for (value, full, short) in [
        (0.0, "0.0", "0.000000"),
        (-0.0, "-0.0", "-0.000000"),
        (0.03125, "0.03125", "0.0312"),
        (0.09375, "0.09375", "0.0938"),
        (1.0, "1.0", "1.0000"),
        (0.00005, "5e-05", "0.000050"),
        (0.0001, "0.0001", "0.000100"),
        (0.001, "0.001", "0.0010"),
        (0.125, "0.125", "0.1250"),
        (0.00025, "0.00025", "0.000250"),
        (2.00005, "2.00005", "2.0000"),
        (-2.5e-7, "-2.5e-07", "-2.500000e-07"),
        (1.5e-300, "1.5e-300", "1.500000e-300"),
        (1e16, "1e+16", "10000000000000000.0000"),
        (123456789.125, "123456789.125", "123456789.1250"),
    ] {
        assert_eq!((in_full(value).as_str(), rounded(value).as_str()), (full, short));
    }
}

#[test]
fn tables_without_class_ids_need_the_order() {
    let table = read("image,group,score\na,wash,1\na,ink,2\n").unwrap();
    let (_folder, path) = written("");
    let order = ["ink", "wash"].map(str::to_owned);
    let refused = table.write_official_long(&path, None).unwrap_err().to_string();
    assert!(refused.contains("wash has no class id") && refused.contains("groups in class order"), "{refused}");
    table.write_official_long(&path, Some(&order)).unwrap();
    assert_eq!(ScoreTable::read(&path, None).unwrap().values, [[2.0, 1.0]]);
    let short = table.write_official_sorted(&path, Some(&order[..1])).unwrap_err().to_string();
    assert!(short.contains("wash is not among the 1 groups in order"), "{short}");
}

#[test]
fn file_names_that_repeat_keep_their_folders_when_written() {
    let table = read("image,class_id,delta_elbo\na/1.png,0,1\na/1.png,1,2\nb/1.png,0,1\nb/1.png,1,2\n").unwrap();
    let (_folder, path) = written("");
    table.write_official_sorted(&path, None).unwrap();
    assert_eq!(ScoreTable::read(&path, None).unwrap().queries, table.queries);
}

#[test]
fn a_table_cut_inside_its_last_number_is_refused() {
    let whole = "query,group,score_nats\na,ink,1.25\na,wash,2.5\n";
    assert!(read(whole).is_ok());
    let cut = refusal("query,group,score_nats\na,ink,1.25\na,wash,2");
    assert!(cut.contains("line 3") && cut.contains("cut off"), "{cut}");
    assert!(read("image,class_id,delta_elbo\na,0,1.25\na,1,2").is_err());
    // Tables written by hand may end anywhere.
    assert!(read("image,group,score\na,ink,1\na,wash,2").is_ok());
}

#[test]
fn scores_in_another_unit_than_nats_are_read() {
    let header = "query,group,score_nats,method,score,unit\n";
    let cosines = format!("{header}q,ink,,feature-similarity,0.75,cosine\nq,wash,,feature-similarity,0.5,cosine\n");
    assert_eq!(read(&cosines).unwrap().values, [[0.75, 0.5]]);
    // Where both are there the nats count, as in files without the other column.
    let nats = format!("{header}q,ink,2,guda,2,nats\nq,wash,1,guda,1,nats\n");
    assert_eq!(read(&nats).unwrap().values, [[2.0, 1.0]]);
    let empty = refusal(format!("{header}q,ink,,guda,,nats\nq,wash,1,guda,1,nats\n"));
    assert!(empty.contains("q has no score for ink"), "{empty}");
}

#[cfg(unix)]
#[test]
fn devices_and_pipes_are_no_tables() {
    let refused = ScoreTable::read(Path::new("/dev/zero"), None).unwrap_err().to_string();
    assert!(refused.contains("device"), "{refused}");
}
