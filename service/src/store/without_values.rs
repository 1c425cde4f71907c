//! What `PostgreSQL` says of an error, without the values that it quotes.

use std::fmt;

/// What `PostgreSQL` said, but for a DETAIL that quotes the values of the row: it is fit for a log.
pub(super) struct WithoutValues<'a>(pub(super) &'a tokio_postgres::Error);

impl fmt::Display for WithoutValues<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(error) = self.0.as_db_error() else {
            write!(f, "{}", self.0)?;
            let mut source = std::error::Error::source(self.0);
            while let Some(error) = source {
                write!(f, ": {error}")?;
                source = error.source();
            }
            return Ok(());
        };
        write!(f, "{} {}", error.severity(), error.code().code())?;
        // The messages of class 22 (data exceptions) quote values too.
        if !error.code().code().starts_with("22") {
            write!(f, ": {}", error.message())?;
        }
        // Class 42 (syntax, names, privileges) is about the statement and the schema, and its reason is in the DETAIL.
        if error.code().code().starts_with("42") {
            for more in [error.detail(), error.hint()].into_iter().flatten() {
                write!(f, ": {more}")?;
            }
        }
        for (what, name) in [
            ("table", error.table()),
            ("column", error.column()),
            ("constraint", error.constraint()),
        ] {
            if let Some(name) = name {
                write!(f, ", {what} {name}")?;
            }
        }
        Ok(())
    }
}
