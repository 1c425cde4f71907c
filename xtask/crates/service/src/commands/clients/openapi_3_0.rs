//! The document for generators that read OpenAPI 3.0 only, of which progenitor is one: nullability in the words of 3.0,
//! and of each operation the one media type and the one kind of response that progenitor supports.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Writes the form for OpenAPI 3.0 of the document `from`.
pub(super) fn write(from: &Path, to: &Path) -> Result<()> {
    let text =
        std::fs::read_to_string(from).with_context(|| format!("cannot read {}", from.display()))?;
    let mut document: Value = serde_json::from_str(&text)?;
    document["openapi"] = json!("3.0.3");
    // 3.0 knows licences by their URL.
    if let Some(license) = document["info"]["license"].as_object_mut() {
        license.remove("identifier");
    }
    simplify(&mut document["paths"]);
    // Nothing refers to it any more, and its `oneOf` has forms that differ in one word.
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.remove("PatchOperation");
    }
    with_nullable(&mut document);
    std::fs::write(to, document.to_string())
        .with_context(|| format!("cannot write {}", to.display()))
}

/// Leaves each operation one media type of its body, and no response without content beside one with.
fn simplify(paths: &mut Value) {
    for item in paths
        .as_object_mut()
        .into_iter()
        .flat_map(|paths| paths.values_mut())
    {
        let Some(operations) = item.as_object_mut() else {
            continue;
        };
        operations.remove("x-query");
        for operation in operations.values_mut() {
            // A header field or a parameter is there or not; it is never null.
            let parameters = operation.get_mut("parameters");
            for parameter in parameters
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                if let Some(Value::Array(types)) = parameter.pointer("/schema/type") {
                    let kept = types.iter().find(|kind| *kind != "null").cloned();
                    parameter["schema"]["type"] = kept.unwrap_or_default();
                }
            }
            let content = operation.pointer_mut("/requestBody/content");
            if let Some(content) = content.and_then(Value::as_object_mut)
                && content.len() > 1
            {
                content.retain(|media_type, _| media_type == "application/json");
            }
            let responses = operation.get_mut("responses");
            if let Some(responses) = responses.and_then(Value::as_object_mut)
                && responses.contains_key("200")
            {
                responses.retain(|_, response| response.get("content").is_some());
            }
        }
    }
}

/// `type: [string, null]` and `oneOf` with null become `nullable`.
fn with_nullable(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(with_nullable),
        Value::Object(members) => {
            if let Some(Value::Array(types)) = members.get("type") {
                let kept = types.iter().find(|kind| *kind != "null").cloned();
                members.insert("type".into(), kept.unwrap_or_default());
                members.insert("nullable".into(), true.into());
            }
            if let Some(Value::Array(forms)) = members.get("oneOf")
                && forms.contains(&json!({"type": "null"}))
            {
                let references = forms.iter().filter_map(|form| form.get("$ref"));
                let all: Vec<_> = references.map(|to| json!({"$ref": to})).collect();
                members.remove("oneOf");
                members.insert("allOf".into(), all.into());
                members.insert("nullable".into(), true.into());
            }
            members.values_mut().for_each(with_nullable);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{simplify, with_nullable};
    use serde_json::json;

    #[test]
    fn null_is_said_as_3_0_says_it() {
        let mut schema = json!({"properties": {
            "a": {"type": ["string", "null"]},
            "b": {"oneOf": [{"$ref": "#/x", "description": "y"}, {"type": "null"}]},
            "c": {"type": "string"},
        }});
        with_nullable(&mut schema);
        assert_eq!(
            schema,
            json!({"properties": {
                "a": {"type": "string", "nullable": true},
                "b": {"allOf": [{"$ref": "#/x"}], "nullable": true},
                "c": {"type": "string"},
            }})
        );
    }

    #[test]
    fn each_operation_keeps_one_media_type_and_one_kind_of_response() {
        let mut paths = json!({"/x": {"x-query": {}, "patch": {
            "requestBody": {"content": {"application/json": 1, "application/y": 2}},
            "responses": {"200": {"content": {}}, "204": {}, "404": {"content": {}}},
        }, "delete": {"responses": {"204": {}}}}});
        simplify(&mut paths);
        assert_eq!(
            paths["/x"],
            json!({"patch": {
                "requestBody": {"content": {"application/json": 1}},
                "responses": {"200": {"content": {}}, "404": {"content": {}}},
            }, "delete": {"responses": {"204": {}}}})
        );
    }
}
