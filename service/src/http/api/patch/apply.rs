//! Applies the operations of a JSON Patch to a document: memory is reckoned before each, and each fault names its cause.

use super::equality::are_equal;
use crate::http::api::user_json::is_server_member;
use crate::http::problem::{Fault, Problem, ProblemKind};
use crate::http::read_request::{MemoryBudget, memory_of};
use json_patch::jsonptr::Pointer;
use json_patch::{PatchErrorKind, PatchOperation};
use serde_json::Value;

/// Applies `operations` in their order; what `copy` adds may take `copy_limit_bytes` of memory.
///
/// # Errors
/// 409 for a test that does not hold, 422 for an operation that cannot be applied. The document is then of no use.
pub(super) fn apply_operations(
    document: &mut Value,
    operations: &[PatchOperation],
    copy_limit_bytes: usize,
) -> Result<(), Problem> {
    let copies = MemoryBudget::of_bytes(copy_limit_bytes);
    for (at, operation) in operations.iter().enumerate() {
        refuse_server_member(at, operation)?;
        match operation {
            // The library compares numbers by how they are written.
            PatchOperation::Test(test) => {
                check_test(document, at, &test.path, &test.value)?;
                continue;
            }
            PatchOperation::Copy(copy) => {
                let source = document.pointer(copy.from.as_str());
                if source.is_some_and(|source| !copies.take(memory_of(source))) {
                    let what = "copies more than a patch may";
                    return Err(fault(at, "from", what));
                }
            }
            _ => {}
        }
        // One operation at a time, so that the document needs no way back.
        json_patch::patch_unsafe(document, std::slice::from_ref(operation))
            .map_err(|error| explain(document, at, operation, &error.kind))?;
    }
    Ok(())
}

fn check_test(
    document: &Value,
    at: usize,
    path: &Pointer,
    expected: &Value,
) -> Result<(), Problem> {
    match document.pointer(path.as_str()) {
        Some(found) if are_equal(found, expected) => Ok(()),
        Some(_) => Err(ProblemKind::PatchTestFailed
            .with_detail(format!("operation {at}, a test of '{path}', does not hold"))),
        None => Err(fault(
            at,
            "path",
            &format!("tests '{path}', which does not exist"),
        )),
    }
}

/// What was sent counts: a member of the server's own is refused as a target even where the value would be the same.
fn refuse_server_member(at: usize, operation: &PatchOperation) -> Result<(), Problem> {
    let moved = match operation {
        PatchOperation::Test(_) => return Ok(()),
        PatchOperation::Move(operation) => Some(("from", &*operation.from)),
        _ => None,
    };
    let faults: Vec<_> = moved
        .into_iter()
        .chain([("path", operation.path())])
        .filter_map(|(member, pointer)| {
            let first = pointer.first()?;
            let name = first.decoded();
            is_server_member(&name).then(|| Fault {
                pointer: format!("/{at}/{member}"),
                detail: format!(
                    "operation {at} changes '{name}', which is set by the server and never accepted from a client"
                )
                .into(),
            })
        })
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Problem::of_faults(faults))
    }
}

fn explain(
    document: &Value,
    at: usize,
    operation: &PatchOperation,
    error: &PatchErrorKind,
) -> Problem {
    let from = match operation {
        PatchOperation::Move(operation) => operation.from.as_str(),
        PatchOperation::Copy(operation) => operation.from.as_str(),
        _ => "",
    };
    let path = operation.path();
    match error {
        PatchErrorKind::CannotMoveInsideItself => fault(
            at,
            "path",
            &format!("moves '{from}' into itself, to '{path}'"),
        ),
        PatchErrorKind::InvalidFromPointer if from.is_empty() => {
            fault(at, "from", "moves the whole document, which has to stay")
        }
        PatchErrorKind::InvalidFromPointer => {
            fault(at, "from", &format!("takes '{from}', which does not exist"))
        }
        _ => match operation {
            PatchOperation::Remove(_) if path.is_root() => {
                fault(at, "path", "removes the whole document, which has to stay")
            }
            PatchOperation::Remove(_) => fault(
                at,
                "path",
                &format!("removes '{path}', which does not exist"),
            ),
            PatchOperation::Replace(_) => fault(
                at,
                "path",
                &format!("replaces '{path}', which does not exist"),
            ),
            _ => fault(at, "path", &why_not_added(document, path)),
        },
    }
}

fn why_not_added(document: &Value, path: &Pointer) -> String {
    let parent = path.parent().unwrap_or(path);
    match document.pointer(parent.as_str()) {
        None => format!("adds '{path}', but '{parent}' does not exist"),
        Some(Value::Array(items)) => format!(
            "adds '{path}', but '{parent}' is an array of {}, and the last part is not an index up to that or '-'",
            items.len()
        ),
        Some(_) => format!("adds '{path}', but '{parent}' is neither an object nor an array"),
    }
}

fn fault(at: usize, member: &str, what: &str) -> Problem {
    Problem::of_faults(vec![Fault {
        pointer: format!("/{at}/{member}"),
        detail: format!("operation {at} {what}").into(),
    }])
}

#[cfg(test)]
mod tests {
    use super::apply_operations;
    use crate::http::api::patch::operations::read_operations;
    use crate::http::problem::ProblemKind;
    use crate::http::read_request::MemoryBudget;
    use serde_json::{Value, json};

    fn apply(document: &Value, patch: &Value) -> Result<Value, String> {
        let budget = MemoryBudget::of_body(65_536);
        let operations = read_operations(patch.to_string().as_bytes(), &budget).unwrap();
        let mut document = document.clone();
        apply_operations(&mut document, &operations, 65_536)
            .map(|()| document)
            .map_err(|problem| {
                assert_ne!(problem.kind, ProblemKind::MalformedRequest);
                format!("{problem:?}")
            })
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table: a line for each cause")]
    fn each_operation_that_cannot_be_applied_names_its_own_cause() {
        let document = json!({"a": {"b": 1}, "l": [1], "s": "x"});
        for (patch, pointer, wanted) in [
            (
                json!({"op": "copy", "from": "/x", "path": "/a"}),
                "/0/from",
                "takes '/x', which does not exist",
            ),
            (
                json!({"op": "move", "from": "/x", "path": "/a"}),
                "/0/from",
                "takes '/x', which does not exist",
            ),
            (
                json!({"op": "move", "from": "/l/-", "path": "/a"}),
                "/0/from",
                "takes '/l/-', which does not exist",
            ),
            (
                json!({"op": "move", "from": "/a", "path": "/a/b"}),
                "/0/path",
                "moves '/a' into itself, to '/a/b'",
            ),
            (
                json!({"op": "move", "from": "", "path": ""}),
                "/0/from",
                "moves the whole document",
            ),
            (
                json!({"op": "remove", "path": ""}),
                "/0/path",
                "removes the whole document",
            ),
            (
                json!({"op": "remove", "path": "/x"}),
                "/0/path",
                "removes '/x', which does not exist",
            ),
            (
                json!({"op": "replace", "path": "/l/1", "value": 1}),
                "/0/path",
                "replaces '/l/1', which does not exist",
            ),
            (
                json!({"op": "test", "path": "/x", "value": 1}),
                "/0/path",
                "tests '/x', which does not exist",
            ),
            (
                json!({"op": "add", "path": "/x/y", "value": 1}),
                "/0/path",
                "but '/x' does not exist",
            ),
            (
                json!({"op": "add", "path": "/l/2", "value": 1}),
                "/0/path",
                "'/l' is an array of 1",
            ),
            (
                json!({"op": "copy", "from": "/s", "path": "/l/x"}),
                "/0/path",
                "'/l' is an array of 1",
            ),
            (
                json!({"op": "add", "path": "/s/y", "value": 1}),
                "/0/path",
                "'/s' is neither an object nor an array",
            ),
            (
                json!({"op": "replace", "path": "/id", "value": 1}),
                "/0/path",
                "is set by the server",
            ),
            (
                json!({"op": "move", "from": "/created_at", "path": "/s"}),
                "/0/from",
                "is set by the server",
            ),
        ] {
            let problem = apply(&document, &json!([patch])).unwrap_err();
            assert!(
                problem.contains(&format!("{pointer:?}")),
                "{patch}: {problem}"
            );
            assert!(problem.contains(wanted), "{patch}: {problem}");
        }
    }

    #[test]
    fn copies_are_stopped_before_they_take_more_than_they_may() {
        let mut operations =
            vec![json!({"op": "add", "path": "/l", "value": ["a".repeat(30_000)]})];
        let double = json!({"op": "copy", "from": "/l", "path": "/l/-"});
        operations.push(double.clone());
        operations.push(double.clone());
        assert!(apply(&json!({}), &Value::Array(operations.clone())).is_err());
        operations.pop();
        assert!(apply(&json!({}), &Value::Array(operations)).is_ok());
        let whole = json!({"op": "copy", "from": "", "path": "/x"});
        let problem = apply(&json!({"a": 1}), &Value::Array(vec![whole; 64])).unwrap_err();
        assert!(
            problem.contains("copies more than a patch may"),
            "{problem}"
        );
    }
}
