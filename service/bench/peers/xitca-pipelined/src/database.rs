//! A thread's connections to PostgreSQL, and its buffer for responses.

use bytes::{BufMut, Bytes, BytesMut};
use peer_user::{Columns, INSERT, LIST, SELECT, UPDATE};
use std::cell::{Cell, RefCell};
use xitca_postgres::iter::AsyncLendingIterator;
use xitca_postgres::row::Row;
use xitca_postgres::types::FromSql;
use xitca_postgres::{Client, Error, Execute, Postgres, Statement};

const CONNECTIONS_PER_THREAD: usize = 8;

pub struct Connection {
    pub client: Client,
    pub select: Statement,
    pub list: Statement,
    pub insert: Statement,
    pub update: Statement,
}

pub struct Database {
    connections: Vec<Connection>,
    next: Cell<usize>,
    buffer: RefCell<BytesMut>,
}

/// A row that has not left the receive buffer.
pub struct RowRef<'a>(pub Row<'a>);

impl Columns for RowRef<'_> {
    fn column<'a, T: FromSql<'a>>(&'a self, index: usize) -> T {
        self.0.get(index)
    }
}

impl Connection {
    async fn open(url: &str) -> Result<Self, Error> {
        let (client, mut driver) = Postgres::new(url).connect().await?;
        tokio::spawn(tokio::task::unconstrained(async move {
            while driver.try_next().await?.is_some() {}
            Ok::<_, Error>(())
        }));
        // Leaked statements live as long as their connection.
        let select = Statement::named(SELECT, &[]).execute(&client).await?.leak();
        let list = Statement::named(LIST, &[]).execute(&client).await?.leak();
        let insert = Statement::named(INSERT, &[]).execute(&client).await?.leak();
        let update = Statement::named(UPDATE, &[]).execute(&client).await?.leak();
        Ok(Self {
            client,
            select,
            list,
            insert,
            update,
        })
    }
}

impl Database {
    /// Exits if it cannot connect: a worker that fails to start would leave the server without an answer.
    pub async fn connect() -> Self {
        let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names the database");
        let mut connections = Vec::with_capacity(CONNECTIONS_PER_THREAD);
        for _ in 0..CONNECTIONS_PER_THREAD {
            match Connection::open(&url).await {
                Ok(connection) => connections.push(connection),
                Err(error) => {
                    eprintln!("cannot connect to PostgreSQL: {error}");
                    std::process::exit(1);
                }
            }
        }
        Self {
            connections,
            next: Cell::new(0),
            buffer: RefCell::default(),
        }
    }

    pub fn for_reading(&self) -> &Connection {
        &self.connections[0]
    }

    pub fn for_writing(&self) -> &Connection {
        self.next
            .set((self.next.get() + 1) % self.connections.len());
        &self.connections[self.next.get()]
    }

    /// Serializes into the buffer that all responses share.
    pub fn json(&self, value: &impl serde::Serialize) -> Bytes {
        let mut buffer = self.buffer.borrow_mut();
        sonic_rs::to_writer((&mut *buffer).writer(), value).expect("a user is valid JSON");
        buffer.split().freeze()
    }
}
