//! Method and path to operation, for services with the rest-json protocol.

use std::collections::HashMap;

use crate::AwsError;
use crate::model::OperationModel;
use crate::uri::{decode_segment, parse_query};

/// The decoded labels of a path, by name.
pub(crate) type Labels = Vec<(&'static str, String)>;

/// A tree of path templates: one level per segment.
#[derive(Default)]
pub(crate) struct Paths {
    literals: HashMap<&'static str, Paths>,
    label: Option<Box<Paths>>,
    greedy: Option<Box<Paths>>,
    ends: Vec<End>,
}

/// Where a template ends.
#[derive(Clone)]
struct End {
    service: usize,
    operation: &'static OperationModel,
    labels: Vec<&'static str>,
    /// The constant pairs that the query must contain.
    query: Vec<(String, String)>,
}

/// A path that belongs to an operation.
pub(crate) struct Found {
    pub(crate) service: usize,
    pub(crate) operation: &'static OperationModel,
    pub(crate) labels: Labels,
}

impl Paths {
    /// Adds an operation's template.
    pub(crate) fn add(&mut self, service: usize, operation: &'static OperationModel) {
        let (path, query) = operation.uri.split_once('?').unwrap_or((operation.uri, ""));
        let mut labels = Vec::new();
        let mut node = self;
        for segment in segments(path) {
            let label = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            node = match label.map(|label| label.strip_suffix('+').ok_or(label)) {
                None => node.literals.entry(segment).or_default(),
                Some(Ok(name)) => {
                    labels.push(name);
                    node.greedy.get_or_insert_default()
                }
                Some(Err(name)) => {
                    labels.push(name);
                    node.label.get_or_insert_default()
                }
            };
        }
        let query = parse_query(query).unwrap_or_default();
        node.ends.push(End {
            service,
            operation,
            labels,
            query,
        });
        node.ends.sort_by_key(|end| std::cmp::Reverse(end.query.len()));
    }

    /// Finds the operation for a request. A literal segment wins over a label, a label over a
    /// greedy one; of templates with the same path the one with more constant query pairs wins.
    /// Slashes before and after the path do not count.
    pub(crate) fn find(
        &self,
        method: &str,
        path: &str,
        query: &[(String, String)],
    ) -> Result<Option<Found>, AwsError> {
        let segments: Vec<&str> = segments(path).collect();
        let mut taken = Vec::new();
        let Some(end) = self.descend(method, query, &segments, &mut taken) else {
            return Ok(None);
        };
        let labels = end
            .labels
            .iter()
            .zip(taken)
            .map(|(name, raw)| Ok((*name, decode_segment(&raw.join("/"))?.into_owned())))
            .collect::<Result<Labels, AwsError>>()?;
        Ok(Some(Found {
            service: end.service,
            operation: end.operation,
            labels,
        }))
    }

    /// Walks the tree; `taken` collects the raw segments of each label on the way.
    fn descend<'a, 'p>(
        &'a self,
        method: &str,
        query: &[(String, String)],
        rest: &'a [&'p str],
        taken: &mut Vec<&'a [&'p str]>,
    ) -> Option<&'a End> {
        let Some((first, after)) = rest.split_first() else {
            return self.ends.iter().find(|end| {
                end.operation.method == method && end.query.iter().all(|pair| query.contains(pair))
            });
        };
        let literal = self.literals.get(first);
        if let Some(end) = literal.and_then(|node| node.descend(method, query, after, taken)) {
            return Some(end);
        }
        let before = taken.len();
        let label = self.label.iter().map(|node| (node, 1));
        let greedy = self
            .greedy
            .iter()
            .flat_map(|node| (1..=rest.len()).map(move |count| (node, count)));
        for (node, count) in label.chain(greedy) {
            taken.truncate(before);
            taken.push(&rest[..count]);
            if let Some(end) = node.descend(method, query, &rest[count..], taken) {
                return Some(end);
            }
        }
        taken.truncate(before);
        None
    }
}

/// The segments of a path. An empty segment inside is kept: it is an empty label.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let trimmed = path.trim_matches('/');
    trimmed.split('/').filter(move |_| !trimmed.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lambda;

    fn lambda() -> Paths {
        let mut paths = Paths::default();
        lambda::MODEL
            .operations
            .iter()
            .for_each(|operation| paths.add(0, operation));
        paths
    }

    fn find(paths: &Paths, method: &str, target: &str) -> Option<(&'static str, Vec<String>)> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let found = paths.find(method, path, &parse_query(query).unwrap()).unwrap()?;
        Some((
            found.operation.name,
            found.labels.into_iter().map(|(_, value)| value).collect(),
        ))
    }

    #[test]
    fn every_operation_finds_itself() {
        let paths = lambda();
        for operation in lambda::MODEL.operations {
            let target = operation.uri.replace(['{', '}'], "");
            let found = find(&paths, operation.method, &target).map(|(name, _)| name);
            assert_eq!(found, Some(operation.name), "{target}");
        }
    }

    #[test]
    fn labels_are_decoded_after_the_path_is_split() {
        let paths = lambda();
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
        let encoded = arn.replace(':', "%3A");
        for written in [arn, &encoded] {
            let found = find(
                &paths,
                "POST",
                &format!("/2015-03-31/functions/{written}/invocations"),
            );
            assert_eq!(found, Some(("Invoke", vec![arn.to_owned()])));
        }
        let found = find(&paths, "GET", "/2015-03-31/functions/a%2Fb+c");
        assert_eq!(found, Some(("GetFunction", vec!["a/b+c".to_owned()])));
    }

    #[test]
    fn slashes_around_the_path_do_not_count_and_inside_make_an_empty_label() {
        let paths = lambda();
        for path in [
            "/2015-03-31/functions",
            "/2015-03-31/functions/",
            "//2015-03-31/functions//",
        ] {
            assert_eq!(find(&paths, "GET", path).unwrap().0, "ListFunctions");
        }
        let found = find(&paths, "POST", "/2015-03-31/functions//invocations");
        assert_eq!(found, Some(("Invoke", vec![String::new()])));
    }

    #[test]
    fn constant_query_pairs_choose_between_templates() {
        let paths = lambda();
        assert_eq!(find(&paths, "GET", "/2018-10-31/layers").unwrap().0, "ListLayers");
        let by_arn = find(&paths, "GET", "/2018-10-31/layers?Arn=x&find=LayerVersion").unwrap();
        assert_eq!(by_arn.0, "GetLayerVersionByArn");
    }

    #[test]
    fn other_methods_and_paths_find_nothing() {
        let paths = lambda();
        for (method, path) in [
            ("PATCH", "/2015-03-31/functions"),
            ("GET", "/"),
            ("GET", "/2015-03-31"),
            ("GET", "/x"),
        ] {
            assert_eq!(find(&paths, method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn literals_win_over_labels_and_labels_over_greedy_ones() {
        static OPERATIONS: [OperationModel; 4] = [
            OperationModel::new("Literal", "GET", "/a/b"),
            OperationModel::new("Label", "GET", "/a/{x}"),
            OperationModel::new("Greedy", "GET", "/a/{x+}"),
            OperationModel::new("GreedyThenLiteral", "GET", "/a/{x+}/end"),
        ];
        let mut paths = Paths::default();
        OPERATIONS.iter().for_each(|operation| paths.add(0, operation));
        let expect = |path: &str, name: &str, label: &[&str]| {
            let label = label.iter().map(|label| (*label).to_owned()).collect();
            assert_eq!(
                find(&paths, "GET", path).map(|f| (f.0.to_owned(), f.1)),
                Some((name.to_owned(), label))
            );
        };
        expect("/a/b", "Literal", &[]);
        expect("/a/c", "Label", &["c"]);
        expect("/a/c/d%2Fe", "Greedy", &["c/d/e"]);
        expect("/a/c/d/end", "GreedyThenLiteral", &["c/d"]);
    }

    proptest! {
        #[test]
        fn any_path_is_found_or_not(path in "[/a-z0-9%{}+:-]{0,40}") {
            let _ = lambda().find("GET", &path, &[]);
        }

        #[test]
        fn any_name_survives_the_path(name in "[^/]{1,20}") {
            use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
            let path = format!("/2015-03-31/functions/{}", utf8_percent_encode(&name, NON_ALPHANUMERIC));
            prop_assert_eq!(find(&lambda(), "GET", &path), Some(("GetFunction", vec![name])));
        }
    }
}
