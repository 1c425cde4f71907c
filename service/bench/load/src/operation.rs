//! The requests of the API, and the correct response to each.

use crate::arguments::OperationKind;
use anyhow::{Context, bail};
use bench_load::seeded;
use memchr::memmem;
use std::io::Write;

/// Makes requests of one kind.
pub(crate) struct Operation {
    kind: OperationKind,
    users: u64,
    headers: String,
    tag: String,
    made: u64,
    random: fastrand::Rng,
}

/// What the response to one request must contain.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    status: u16,
    texts: [String; 2],
    items: usize,
}

impl Operation {
    pub(crate) fn new(
        kind: OperationKind,
        users: u64,
        token: Option<&str>,
        tag: &str,
        seed: u64,
    ) -> Self {
        let authorization = token
            .map(|token| format!("authorization: Bearer {token}\r\n"))
            .unwrap_or_default();
        let headers =
            format!("host: roster.example\r\naccept: application/json\r\n{authorization}");
        Self {
            kind,
            users,
            headers,
            tag: tag.to_owned(),
            made: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Writes the next request into `out`, in place of what is there.
    pub(crate) fn write_next(&mut self, out: &mut Vec<u8>) -> anyhow::Result<Expected> {
        self.made += 1;
        out.clear();
        let user = self.random.u64(..self.users.max(1));
        match self.kind {
            OperationKind::Get | OperationKind::Constant => {
                let id = seeded::id(user);
                write!(out, "GET /v1/users/{id} HTTP/1.1\r\n{}\r\n", self.headers)?;
                let texts = if self.kind == OperationKind::Get {
                    [id, String::new()]
                } else {
                    Default::default()
                };
                Ok(Expected {
                    status: 200,
                    texts,
                    items: 0,
                })
            }
            OperationKind::Post => {
                let email = format!("load-{}-{}@example.com", self.tag, self.made);
                let body = profile(&email, &self.other_name());
                self.write_change(out, "POST /v1/users", &body)?;
                Ok(Expected {
                    status: 201,
                    texts: [email, String::new()],
                    items: 0,
                })
            }
            OperationKind::Put => {
                let (id, name) = (seeded::id(user), self.other_name());
                self.write_change(
                    out,
                    &format!("PUT /v1/users/{id}"),
                    &profile(&seeded::email(user), &name),
                )?;
                Ok(Expected {
                    status: 200,
                    texts: [id, name],
                    items: 0,
                })
            }
            OperationKind::Retitle => {
                let (id, title) = (
                    seeded::id(user),
                    format!("Analyst {:08x}", self.random.u32(..)),
                );
                let body = seeded::body_with_title(user, &title);
                self.write_change(out, &format!("PUT /v1/users/{id}"), &body)?;
                Ok(Expected {
                    status: 200,
                    texts: [id, title],
                    items: 0,
                })
            }
            OperationKind::List => {
                write!(
                    out,
                    "GET /v1/users?limit=50 HTTP/1.1\r\n{}\r\n",
                    self.headers
                )?;
                Ok(Expected {
                    status: 200,
                    texts: Default::default(),
                    items: 50,
                })
            }
        }
    }

    fn write_change(&self, out: &mut Vec<u8>, line: &str, body: &str) -> anyhow::Result<()> {
        let length = body.len();
        write!(
            out,
            "{line} HTTP/1.1\r\n{}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}",
            self.headers
        )
        .context("a request cannot be written")
    }

    fn other_name(&mut self) -> String {
        format!("Ada Lovelace {:08x}", self.random.u32(..))
    }
}

impl Expected {
    /// Returns what is wrong with a response, if anything.
    pub(crate) fn check(&self, status: u16, body: &[u8]) -> anyhow::Result<()> {
        if status != self.status {
            let start = String::from_utf8_lossy(&body[..body.len().min(300)]);
            bail!("status {status} instead of {}: {start}", self.status);
        }
        for text in &self.texts {
            if memmem::find(body, text.as_bytes()).is_none() {
                bail!("the response does not contain {text:?}");
            }
        }
        let items = if self.items == 0 {
            0
        } else {
            memmem::find_iter(body, b"\"id\"").count()
        };
        if items != self.items {
            bail!("{items} users in the list instead of {}", self.items);
        }
        Ok(())
    }
}

fn profile(email: &str, name: &str) -> String {
    format!(
        r#"{{"email":"{email}","name":"{name}","phone":"+442071234567","title":"Analyst","department":"Engines","status":"active"}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::Operation;
    use crate::arguments::OperationKind;
    use bench_load::seeded;

    #[test]
    fn an_answer_about_another_user_is_wrong() {
        let mut out = Vec::new();
        let mut operation = Operation::new(OperationKind::Get, 1, None, "", 1);
        let expected = operation.write_next(&mut out).unwrap();
        assert!(expected.check(200, seeded::id(0).as_bytes()).is_ok());
        assert!(expected.check(200, seeded::id(1).as_bytes()).is_err());
        assert!(expected.check(404, seeded::id(0).as_bytes()).is_err());
    }

    #[test]
    fn a_list_that_lacks_users_is_wrong() {
        let mut operation = Operation::new(OperationKind::List, 1, None, "", 1);
        let expected = operation.write_next(&mut Vec::new()).unwrap();
        assert!(
            expected
                .check(200, "{\"id\":1}".repeat(50).as_bytes())
                .is_ok()
        );
        assert!(
            expected
                .check(200, "{\"id\":1}".repeat(49).as_bytes())
                .is_err()
        );
    }

    #[test]
    fn no_two_creates_share_an_address_and_the_length_is_that_of_the_body() {
        let mut operation = Operation::new(OperationKind::Post, 1, Some("t"), "x", 1);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        operation.write_next(&mut first).unwrap();
        operation.write_next(&mut second).unwrap();
        let first = String::from_utf8(first).unwrap();
        assert!(first.contains("load-x-1@") && first.contains("authorization: Bearer t\r\n"));
        assert!(String::from_utf8(second).unwrap().contains("load-x-2@"));
        let (head, body) = first.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())));
    }
}
