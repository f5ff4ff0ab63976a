//! Tests of the form.

use super::*;
use whence_data::ImageShape;

fn facts(classes: Option<usize>, names: Option<&[&str]>) -> Inspection {
    let model = ModelFacts {
        architecture: "UNet2DModel".into(),
        shape: ImageShape { channels: 1, height: 8, width: 8 },
        parameters: 10,
        timesteps: 1000,
        classes,
        class_names: names.map(|names| names.iter().map(|n| (*n).to_owned()).collect()),
    };
    let data = DataFacts {
        name: "paintings".into(),
        groups: vec![("ink".into(), 3), ("oil".into(), 4)],
        images: 7,
        resized: 0,
        skipped: vec![],
        notes: vec![],
    };
    Inspection { model: Some(Ok(model)), data: Some(Ok(data)), needs_column: false }
}

/// A form whose parts were found.
fn filled(found: Inspection) -> NewProjectForm {
    let mut form = NewProjectForm::default();
    form.show();
    (form.model, form.data) = ("/nowhere/model".into(), "/nowhere/paintings".into());
    assert!(matches!(form.next_step(10.0), Step::Wait(_)), "more may be typed");
    let Step::Inspect(id, parts, _) = form.next_step(10.4) else { panic!("it is quiet") };
    assert_eq!(parts.model, Some("/nowhere/model".into()));
    assert!(matches!(form.next_step(10.5), Step::Rest), "once");
    form.found(id, Some(found));
    form
}

#[test]
fn parts_are_looked_at_once_they_are_typed() {
    let mut form = filled(facts(None, None));
    assert!(matches!(form.next_step(11.0), Step::Rest));
    assert_eq!(form.name, "Paintings");
    assert!(form.folder.ends_with("Paintings") && form.request().is_ok(), "{}", form.folder);
    // An answer about what was typed before is not taken.
    form.model = "/nowhere/other".into();
    assert!(form.request().is_err());
    form.next_step(20.0);
    let Step::Inspect(id, _, cancel) = form.next_step(21.0) else { panic!() };
    assert!(form.model_facts().is_none());
    form.model = "/nowhere/third".into();
    form.next_step(22.0);
    assert!(cancel.load(Ordering::Relaxed));
    form.found(id, Some(facts(None, None)));
    assert!(form.model_facts().is_none());
    assert!(matches!(form.next_step(23.0), Step::Inspect(..)));
}

#[test]
fn what_the_user_types_is_not_replaced_by_suggestions() {
    let mut form = filled(facts(None, None));
    form.name = "Mine".into();
    form.data = "/nowhere/b".into();
    form.inspect_now();
    let Step::Inspect(id, ..) = form.next_step(0.0) else { panic!("a chosen path is looked at at once") };
    form.found(id, Some(facts(None, None)));
    assert_eq!(form.name, "Mine");
    assert_eq!(form.request().unwrap().name, "Mine");
}

#[test]
fn classes_are_asked_for_only_where_nothing_says_them() {
    assert!(!filled(facts(None, None)).needs_classes());
    let named = filled(facts(Some(2), Some(&["oil", "ink"])));
    assert!(!named.needs_classes() && named.request().unwrap().class_map.is_none());
    let mut form = filled(facts(Some(4), None));
    assert!(form.needs_classes());
    assert_eq!(form.request(), Err("Choose a class for each group"));
    assert!(form.next_cost().is_none());
    form.classes.insert("ink".into(), 3);
    assert!(form.request().is_err());
    form.classes.insert("oil".into(), 0);
    let map = form.request().unwrap().class_map.unwrap();
    assert_eq!((map["ink"], map["oil"]), (3, 0));
    assert_eq!(form.next_cost().map(|(_, classes)| classes), Some(vec![3, 0]));
    assert!(form.next_cost().is_none(), "once");
    form.number_classes();
    assert_eq!(form.classes["oil"], 1);
    assert!(form.next_cost().is_some());
}
