use super::names::{Matched, match_queries};
use super::*;
use crate::tables::tests::read;

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&n| n.to_owned()).collect()
}

fn matched(left: &[&str], right: &[&str]) -> Result<Matched, String> {
    match_queries(&owned(left), &owned(right))
}

#[test]
fn queries_are_matched_by_file_name_in_any_order() {
    let found = matched(&["out/b.png", "x\\a.png"], &["a.png", "/data/b.png"]).unwrap();
    assert_eq!(found.pairs, [(0, 1), (1, 0)]);
    let found = matched(&["seed-7", "seed-8.png"], &["seed-8", "seed-7.PNG"]).unwrap();
    assert_eq!(found.pairs, [(0, 1), (1, 0)]);
    let found = matched(&["a.png", "v1.2"], &["a.jpg", "v1.3"]).unwrap();
    assert_eq!(found, Matched { pairs: vec![], only_left: vec![0, 1], only_right: vec![0, 1] });
}

#[test]
fn names_that_repeat_are_told_apart_by_their_folders() {
    let found = matched(&["run/x/1.png", "run/y/1.png"], &["y/1.png", "x/1.png"]).unwrap();
    assert_eq!(found.pairs, [(0, 1), (1, 0)]);
    let found = matched(&["x/seed-7", "x/seed-7.png"], &["x/seed-7.png", "x/seed-7"]).unwrap();
    assert_eq!(found.pairs, [(0, 1), (1, 0)]);
    for (left, right) in [
        (&["x/1.png", "y/1.png"][..], &["1.png"][..]),
        (&["1.png"], &["x/1.png", "y/1.png"]),
        (&["x/1.png", "z/1.png"], &["x/1.png", "y/1.png"]),
    ] {
        let refused = matched(left, right);
        let message = match refused {
            Err(message) => message,
            // One name is certain and the other has no partner left that is like it.
            Ok(found) => panic!("{found:?}"),
        };
        assert!(message.contains("ambiguous"), "{message}");
    }
    let found = matched(&["x/1.png", "y/1.png"], &["x/1.png"]).unwrap();
    assert_eq!((found.pairs, found.only_left), (vec![(0, 0)], vec![1]));
}

fn pair(scores: &str, reference: &str, matching: &Matching<'_>) -> Result<Pairing> {
    Pairing::new(&read(scores).unwrap(), &read(reference).unwrap(), matching)
}

const NAMED: &str = "query,group,score\nb.png,ink,1\nb.png,wash,2\na.png,wash,4\na.png,ink,3\n";
const NUMBERED: &str = "image,class_id,delta_elbo\na.png,0,40\na.png,1,30\nb.png,0,20\nb.png,1,10\n";

#[test]
fn rows_and_columns_are_brought_into_one_order() {
    let other = "query,group,score\na.png,ink,30\na.png,wash,40\nb.png,wash,20\nb.png,ink,10\n";
    let found = pair(NAMED, other, &Matching::default()).unwrap();
    assert_eq!(found.queries, ["a.png", "b.png"]);
    assert_eq!(found.groups, ["ink", "wash"]);
    assert_eq!(
        (found.scores, found.reference),
        (vec![vec![3.0, 4.0], vec![1.0, 2.0]], vec![vec![30.0, 40.0], vec![10.0, 20.0]])
    );
}

#[test]
fn ids_and_names_are_joined_only_by_a_list() {
    let refused = pair(NAMED, NUMBERED, &Matching::default()).unwrap_err().to_string();
    assert!(refused.contains("groups in class order") && refused.contains("only class ids"), "{refused}");
    let order = owned(&["wash", "ink"]);
    let matching = Matching { group_names: Some(&order), allow_subset: false };
    let found = pair(NAMED, NUMBERED, &matching).unwrap();
    assert_eq!(found.groups, order);
    assert_eq!(found.scores, [[4.0, 3.0], [2.0, 1.0]]);
    assert_eq!(found.reference, [[40.0, 30.0], [20.0, 10.0]]);
    for wrong in [owned(&["wash"]), owned(&["wash", "wash"]), owned(&["wash", "oil"])] {
        let matching = Matching { group_names: Some(&wrong), allow_subset: false };
        assert!(pair(NAMED, NUMBERED, &matching).is_err(), "{wrong:?}");
    }
}

#[test]
fn groups_called_by_their_numbers_need_no_list() {
    let found = pair(&NAMED.replace("ink", "1").replace("wash", "0"), NUMBERED, &Matching::default()).unwrap();
    assert_eq!(found.scores, [[4.0, 3.0], [2.0, 1.0]]);
    let gap = pair(&NAMED.replace("ink", "3").replace("wash", "0"), NUMBERED, &Matching::default());
    assert!(gap.unwrap_err().to_string().contains("groups in class order"));
}

#[test]
fn a_sorted_table_fits_both_kinds() {
    let both =
        "image,R1_Cls,R1_Name,R1_Sc,R2_Cls,R2_Name,R2_Sc\na.png,0,0: wash,2,1,1: ink,1\nb.png,0,0: wash,2,1,1: ink,1\n";
    assert_eq!(pair(both, NUMBERED, &Matching::default()).unwrap().reference, [[40.0, 30.0], [20.0, 10.0]]);
    let found = pair(NAMED, both, &Matching::default()).unwrap();
    assert_eq!((found.groups, found.scores), (owned(&["wash", "ink"]), vec![vec![4.0, 3.0], vec![2.0, 1.0]]));
}

#[test]
fn groups_of_one_table_only_are_an_error() {
    let other = NAMED.replace("ink", "oil");
    let refused = pair(NAMED, &other, &Matching { allow_subset: true, ..Matching::default() }).unwrap_err().to_string();
    assert!(refused.contains("no scores for ink") && refused.contains("no scores for oil"), "{refused}");
}

#[test]
fn queries_of_one_table_only_are_an_error_or_counted() {
    let other = NAMED.replace("b.png", "c.png");
    let refused = pair(NAMED, &other, &Matching::default()).unwrap_err().to_string();
    assert!(
        refused.contains("1 query is only in") && refused.contains("b.png") && refused.contains("c.png"),
        "{refused}"
    );
    assert!(refused.contains("common queries"), "{refused}");
    let subset = Matching { allow_subset: true, ..Matching::default() };
    let found = pair(NAMED, &other, &subset).unwrap();
    assert_eq!(found.queries, ["a.png"]);
    assert_eq!((found.only_in_scores, found.only_in_reference), (owned(&["b.png"]), owned(&["c.png"])));
    let none = pair(NAMED, &other.replace("a.png", "d.png"), &subset).unwrap_err().to_string();
    assert!(none.contains("no query in common"), "{none}");
}

#[test]
fn several_pairings_keep_what_all_have() {
    let subset = Matching { allow_subset: true, ..Matching::default() };
    let mut full = pair(NAMED, NAMED, &subset).unwrap();
    let mut part = pair(&NAMED.replace("b.png", "c.png"), NAMED, &subset).unwrap();
    assert!(!full.shares_reference(&part));
    Pairing::keep_common(&mut [&mut full, &mut part]).unwrap();
    assert!(full.shares_reference(&part));
    assert_eq!((full.queries, full.only_in_reference), (owned(&["a.png"]), owned(&["b.png"])));
}

#[test]
fn car_and_automobile_are_one_class_of_cifar_10() {
    let ours = "query,group,score\na,automobile,1\na,cat,2\n";
    let theirs = "image,R1_Cls,R1_Name,R1_Sc,R2_Cls,R2_Name,R2_Sc\na,3,3: cat,5,1,1: car,4\n";
    for (scores, reference) in [(ours, theirs), (theirs, ours)] {
        let found = pair(scores, reference, &Matching::default()).unwrap();
        assert_eq!((found.scores.len(), found.groups.len()), (1, 2));
    }
    let found = pair(ours, theirs, &Matching::default()).unwrap();
    assert_eq!((found.groups, found.scores), (owned(&["car", "cat"]), vec![vec![1.0, 2.0]]));
    // A dataset that has both keeps them apart.
    let both = "query,group,score\na,automobile,1\na,car,2\n";
    assert_eq!(pair(both, both, &Matching::default()).unwrap().groups, ["automobile", "car"]);
    let order = owned(&["airplane", "automobile", "bird", "cat"]);
    let matching = Matching { group_names: Some(&order), ..Matching::default() };
    assert!(pair(theirs, ours, &matching).is_ok());
}
