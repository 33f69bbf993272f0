use super::*;

fn installed(family: Family, version: &str) -> InstalledRuntime {
    InstalledRuntime {
        family,
        version: version.parse().unwrap(),
        executable: format!("/{version}/bin/x").into(),
        prefix: format!("/{version}").into(),
        executable_in_prefix: "bin/x".into(),
    }
}

fn catalogue(substitutes: Substitutes) -> Catalogue {
    let installed = vec![
        installed(Family::Nodejs, "22.1.4"),
        installed(Family::Nodejs, "18.2.1"),
        installed(Family::Python, "3.11.7"),
        installed(Family::Python, "3.11.2"),
    ];
    Catalogue::new(
        Discovery {
            installed,
            named: [].into(),
        },
        substitutes,
    )
}

fn refusal(catalogue: &Catalogue, identifier: &str) -> String {
    catalogue.resolve(identifier).unwrap_err().to_string()
}

#[test]
fn the_installed_version_is_taken() {
    let catalogue = catalogue(Substitutes::Refused);
    assert_eq!(
        catalogue.resolve("nodejs18.x"),
        Ok(Choice {
            interpreter: Some(1),
            note: None
        })
    );
    assert_eq!(
        catalogue.resolve("python3.11"),
        Ok(Choice {
            interpreter: Some(2),
            note: None
        })
    );
}

#[test]
fn a_laptop_takes_the_nearest() {
    let catalogue = catalogue(Substitutes::Nearest);
    let choice = catalogue.resolve("python3.9").unwrap();
    assert_eq!(choice.interpreter, Some(2));
    let note = choice.note.unwrap();
    assert_eq!(note, "python3.9 runs on Python 3.11.7, as 3.9 is not installed");
    assert_eq!(catalogue.resolve("nodejs24.x").unwrap().interpreter, Some(0));
    // As far from 18 as from 22: the newer one.
    assert_eq!(catalogue.resolve("nodejs20.x").unwrap().interpreter, Some(0));
}

#[test]
fn production_refuses_and_says_what_to_do() {
    assert_eq!(
        refusal(&catalogue(Substitutes::Refused), "nodejs24.x"),
        "The runtime nodejs24.x is not available: it needs Node.js 24, and only 22.1.4, 18.2.1 was found. \
         Install Node.js 24, or name it in hearth.toml under [runtimes]: \"nodejs24.x\" = \"/path/to/bin/node\""
    );
    let empty = Catalogue::new(Discovery::default(), Substitutes::Nearest);
    assert!(refusal(&empty, "python3.12").contains("it needs Python 3.12, and no Python was found."));
}

#[test]
fn what_the_settings_name_comes_first() {
    let mut catalogue = catalogue(Substitutes::Refused);
    catalogue.found.named.insert("python3.11".to_owned(), Ok(3));
    catalogue.found.named.insert(
        "nodejs22.x".to_owned(),
        Err("/x/node: no such program".to_owned()),
    );
    catalogue.found.named.insert("nodejs18.x".to_owned(), Ok(0));
    assert_eq!(catalogue.resolve("python3.11").unwrap().interpreter, Some(3));
    assert!(refusal(&catalogue, "nodejs22.x").contains("the settings name /x/node: no such program."));
    assert!(catalogue.resolve("nodejs18.x").is_err());
}

#[test]
fn other_identifiers_are_refused_in_awss_words() {
    let catalogue = catalogue(Substitutes::Nearest);
    assert_eq!(
        refusal(&catalogue, "nodejs14.x"),
        "The runtime parameter of nodejs14.x is no longer supported for creating or updating AWS Lambda \
         functions. We recommend you use a supported runtime while creating or updating functions."
    );
    let unknown = refusal(&catalogue, "PYTHON3.9");
    assert!(unknown.starts_with(
        "Value PYTHON3.9 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: \
         [nodejs20.x, python3.14, "
    ));
    assert!(unknown.ends_with(", provided.al2, java8.al2] or be a valid ARN"));
    assert_eq!(
        refusal(&catalogue, "java21"),
        "The runtime java21 is not available: Hearth itself runs nodejs and python. Package the code with AWS's \
         runtime interface client for its language and a bootstrap that starts it, and use provided.al2023; \
         docs/runtimes.md says how."
    );
}

#[test]
fn the_overview_has_every_runtime_of_both_languages() {
    let catalogue = catalogue(Substitutes::Refused);
    let overview: Vec<_> = catalogue.overview().collect();
    assert!(
        overview
            .iter()
            .any(|(identifier, choice)| *identifier == "nodejs26.x" && choice.is_err())
    );
    assert_eq!(overview.iter().filter(|(_, choice)| choice.is_ok()).count(), 5);
}

#[test]
fn custom_runtimes_need_no_interpreter() {
    let empty = Catalogue::new(Discovery::default(), Substitutes::Refused);
    for identifier in ["provided.al2023", "provided.al2", "provided"] {
        let choice = empty.resolve(identifier).unwrap();
        assert_eq!((choice.interpreter, choice.note), (None, None), "{identifier}");
    }
}
