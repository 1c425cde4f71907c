//! A worker's connections to PostgreSQL.

use peer_user::{INSERT, LIST, SELECT, UPDATE};
use std::cell::Cell;
use tokio_postgres::{Client, Error, NoTls, Statement};

const CONNECTIONS_PER_WORKER: usize = 8;

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
}

impl Connection {
    async fn open(url: &str) -> Result<Self, Error> {
        let (client, driver) = tokio_postgres::connect(url, NoTls).await?;
        ntex::rt::spawn(driver);
        Ok(Self {
            select: client.prepare(SELECT).await?,
            list: client.prepare(LIST).await?,
            insert: client.prepare(INSERT).await?,
            update: client.prepare(UPDATE).await?,
            client,
        })
    }
}

impl Database {
    /// Exits if it cannot connect: ntex would start a failed worker again and again.
    pub async fn connect() -> Self {
        let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names the database");
        let mut connections = Vec::with_capacity(CONNECTIONS_PER_WORKER);
        for _ in 0..CONNECTIONS_PER_WORKER {
            match Connection::open(&url).await {
                Ok(connection) => connections.push(connection),
                Err(error) => {
                    eprintln!("cannot connect to PostgreSQL: {error:?}");
                    std::process::exit(1);
                }
            }
        }
        Self {
            connections,
            next: Cell::new(0),
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
}
