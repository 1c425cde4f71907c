//! The operations of a JSON Patch (RFC 6902), read from its bytes one by one; what is wrong with one is named.

use crate::http::problem::Problem;
use crate::http::read_request::{MemoryBudget, Strict, given_twice, parse_with};
use json_patch::jsonptr::PointerBuf;
use json_patch::{
    AddOperation, CopyOperation, MoveOperation, PatchOperation, RemoveOperation, ReplaceOperation,
    TestOperation,
};
use serde::de::{DeserializeSeed, Deserializer, Error, Expected, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// What an operation takes while the list of them grows.
const OPERATION_BYTES: usize = 3 * size_of::<PatchOperation>();
/// The deepest that a pointer reaches; with the depth of a parsed value it bounds that of every document.
const MAX_POINTER_TOKENS: usize = 64;

/// Reads the operations of a JSON Patch.
///
/// # Errors
/// 400 when the body is not one, 413 when it takes more memory than its budget.
pub(super) fn read_operations(
    body: &[u8],
    budget: &MemoryBudget,
) -> Result<Vec<PatchOperation>, Problem> {
    parse_with(body, budget, Operations(budget))
}

/// Refuses what is neither an array nor an object without showing it: the library's own errors quote the value.
macro_rules! refuse_scalars {
    () => {
        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
            Err(unexpected(&self))
        }

        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            Err(unexpected(&self))
        }

        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            Err(unexpected(&self))
        }

        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            Err(unexpected(&self))
        }

        fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
            Err(unexpected(&self))
        }
    };
}

fn unexpected<E: Error>(expected: &dyn Expected) -> E {
    E::custom(format_args!("invalid type, expected {expected}"))
}

struct Operations<'b>(&'b MemoryBudget);

impl<'de> DeserializeSeed<'de> for Operations<'_> {
    type Value = Vec<PatchOperation>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Operations<'_> {
    type Value = Vec<PatchOperation>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON Patch, which is an array of operations")
    }

    refuse_scalars!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut operations = Vec::new();
        loop {
            let next = Operation {
                budget: self.0,
                at: operations.len(),
            };
            let Some(operation) = items.next_element_seed(next)? else {
                return Ok(operations);
            };
            operations.push(operation);
        }
    }
}

struct Operation<'b> {
    budget: &'b MemoryBudget,
    at: usize,
}

impl<'de> DeserializeSeed<'de> for Operation<'_> {
    type Value = PatchOperation;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Operation<'_> {
    type Value = PatchOperation;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operation {} of the JSON Patch, an object", self.at)
    }

    refuse_scalars!();

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        if !self.budget.take(OPERATION_BYTES) {
            return Err(A::Error::custom("the budget is spent"));
        }
        let mut known: [(&str, Option<Value>); 4] = [
            ("op", None),
            ("path", None),
            ("from", None),
            ("value", None),
        ];
        // RFC 6902, 4: other members are ignored; the rule of strict JSON on keys holds for them too.
        let mut others: Vec<String> = Vec::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(Strict(self.budget))?;
            let slot = known.iter_mut().find(|(name, _)| *name == key);
            let is_second = match slot {
                Some((_, slot)) => slot.replace(value).is_some(),
                None => others.contains(&key),
            };
            if is_second {
                return Err(given_twice(&key));
            }
            if !known.iter().any(|(name, _)| *name == key) {
                let bytes = 3 * size_of::<String>() + key.len();
                if !self.budget.take(bytes) {
                    return Err(A::Error::custom("the budget is spent"));
                }
                others.push(key);
            }
        }
        let [(_, op), path, from, (_, value)] = known;
        self.assemble(op, path, from, value)
    }
}

type Member = (&'static str, Option<Value>);

impl Operation<'_> {
    fn assemble<E: Error>(
        &self,
        op: Option<Value>,
        path: Member,
        from: Member,
        value: Option<Value>,
    ) -> Result<PatchOperation, E> {
        let op = match op {
            Some(Value::String(op)) => op,
            Some(_) => return Err(self.fault("has an 'op' that is not a string")),
            None => return Err(self.fault("has no 'op'")),
        };
        let path = |this: &Self| this.pointer(path);
        let from = |this: &Self| this.pointer(from);
        let value = |this: &Self| {
            value.ok_or_else(|| this.fault(&format!("has no 'value', which {op} needs")))
        };
        Ok(match op.as_str() {
            "add" => PatchOperation::Add(AddOperation {
                path: path(self)?,
                value: value(self)?,
            }),
            "remove" => PatchOperation::Remove(RemoveOperation { path: path(self)? }),
            "replace" => PatchOperation::Replace(ReplaceOperation {
                path: path(self)?,
                value: value(self)?,
            }),
            "move" => PatchOperation::Move(MoveOperation {
                from: from(self)?,
                path: path(self)?,
            }),
            "copy" => PatchOperation::Copy(CopyOperation {
                from: from(self)?,
                path: path(self)?,
            }),
            "test" => PatchOperation::Test(TestOperation {
                path: path(self)?,
                value: value(self)?,
            }),
            _ => {
                return Err(self.fault(
                    "has an 'op' that is not one of add, remove, replace, move, copy and test",
                ));
            }
        })
    }

    fn pointer<E: Error>(&self, (name, value): Member) -> Result<PointerBuf, E> {
        let text = match value {
            Some(Value::String(text)) => text,
            Some(_) => return Err(self.fault(&format!("has a '{name}' that is not a string"))),
            None => return Err(self.fault(&format!("has no '{name}'"))),
        };
        if text.bytes().filter(|b| *b == b'/').count() > MAX_POINTER_TOKENS {
            return Err(self.fault(&format!(
                "has a '{name}' of more than {MAX_POINTER_TOKENS} levels"
            )));
        }
        PointerBuf::parse(text).map_err(|_| {
            self.fault(&format!(
                "has a '{name}' that is not a JSON Pointer (RFC 6901)"
            ))
        })
    }

    fn fault<E: Error>(&self, what: &str) -> E {
        E::custom(format_args!("operation {} {what}", self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::read_operations;
    use crate::http::problem::ProblemKind;
    use crate::http::read_request::MemoryBudget;

    #[test]
    fn each_fault_of_an_operation_is_named() {
        for (body, wanted) in [
            ("{}", "an array of operations"),
            ("[[]]", "operation 0 of the JSON Patch, an object"),
            (r#"["ada"]"#, "operation 0 of the JSON Patch, an object"),
            ("5", "an array of operations"),
            (r#"[{"path":""}]"#, "operation 0 has no 'op'"),
            (r#"[{"op":1}]"#, "'op' that is not a string"),
            (r#"[{"op":"ADD","path":"","value":1}]"#, "not one of add,"),
            (r#"[{"op":"add","value":1}]"#, "operation 0 has no 'path'"),
            (
                r#"[{"op":"add","path":null,"value":1}]"#,
                "'path' that is not a string",
            ),
            (
                r#"[{"op":"add","path":"a","value":1}]"#,
                "'path' that is not a JSON Pointer",
            ),
            (
                r#"[{"op":"add","path":"/a~2","value":1}]"#,
                "'path' that is not a JSON Pointer",
            ),
            (
                r#"[{"op":"add","path":"/a"}]"#,
                "has no 'value', which add needs",
            ),
            (r#"[{"op":"copy","path":"/a"}]"#, "has no 'from'"),
            (
                r#"[{"op":"move","path":"/a","from":"b"}]"#,
                "'from' that is not a JSON Pointer",
            ),
            (
                r#"[{"op":"remove","path":"/a"},{"op":"frob"}]"#,
                "operation 1 has an 'op'",
            ),
            (
                r#"[{"op":"remove","op":"test","path":"/a"}]"#,
                "the key \"op\" is given twice",
            ),
            (
                r#"[{"op":"remove","x":1,"x":1,"path":"/a"}]"#,
                "the key \"x\" is given twice",
            ),
        ] {
            let budget = MemoryBudget::of_body(65_536);
            let problem = read_operations(body.as_bytes(), &budget).unwrap_err();
            assert_eq!(problem.kind, ProblemKind::MalformedRequest);
            let text = format!("{problem:?}");
            assert!(!text.contains("ada"), "what was sent is not shown: {text}");
            assert!(
                text.contains(&wanted.escape_debug().to_string()) || text.contains(wanted),
                "{body}: {text}"
            );
        }
    }

    #[test]
    fn unknown_members_are_ignored_and_too_many_operations_are_too_large() {
        let read = |body: &str| {
            let budget = MemoryBudget::of_body(65_536);
            read_operations(body.as_bytes(), &budget)
                .map(|operations| operations.len())
                .map_err(|problem| problem.kind)
        };
        assert_eq!(
            read(r#"[{"op":"remove","path":"/a","why":{"x":[]}}]"#),
            Ok(1)
        );
        let many = |count| {
            let operation = r#"{"op":"remove","path":""}"#;
            format!("[{}]", vec![operation; count].join(","))
        };
        assert_eq!(read(&many(500)), Ok(500));
        assert_eq!(read(&many(2500)), Err(ProblemKind::ContentTooLarge));
    }
}
