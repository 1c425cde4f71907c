//! `cargo xtask bench list`: whether a deep page costs more than the first, searches stay fast, and PostgreSQL never
//! scans the whole table for an accepted query.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::database::BenchPostgres;
use super::lists::Client;
use super::machine::Machine;
use super::plans;
use super::programs::Program;
use super::questions::{self, SORTS};
use super::results::median;
use super::roster::{self, Roster};
use super::walk::Walk;
use super::{page, programs, table};
use crate::cli::BenchListArgs;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

/// Frequent, rare and unknown; short and long.
const SEARCHES: [&str; 8] = [
    "ad",
    "zz",
    "love",
    "lovelace",
    "grace hopper",
    "user77777",
    "c0ffee",
    "nobody at all",
];
const REPEATS: usize = 41;
const MOST_GROWTH: f64 = 1.5;
const MOST_SEARCH_MS: f64 = 50.0;

/// Measures, and fails if a limit is exceeded.
pub(super) fn run(args: &BenchListArgs) -> Result<()> {
    let program = programs::build(super::contestants::Family::Roster)?;
    let postgres = BenchPostgres::start(plans::SETTINGS)?;
    let machine = Machine::look(&postgres.version);
    let database = postgres.create("bench_list")?;
    roster::migrate(&program, database.url())?;
    printing::eprintln!("seeding {} users", args.users);
    postgres.seed(database.url(), args.users)?;
    let roster = Roster::prepare(&program, database.url())?;
    let server = roster.serve()?;
    let client = Client::new(&roster, &server)?;

    let mut faults = Vec::new();
    let mut text = format!(
        "{} users on {} × {}, PostgreSQL {}; medians of {REPEATS}{}.\n",
        table::count(args.users),
        machine.cores,
        machine.processor,
        machine.postgres,
        machine.busy_note()
    );
    pages(&client, args, &mut text, &mut faults)?;
    searches(&client, &mut text, &mut faults)?;
    plans::log_from_now_on(&postgres, database.url())?;
    let asked = ask_everything(&client)?;
    let plans = plans::logged(&postgres, database.url())?;
    server.stop()?;
    judge_plans(&plans, asked, &mut text, &mut faults)?;
    plans::log_no_more(&postgres, database.url())?;
    drop(database);
    walk_while_it_changes(&program, &postgres, args, &mut text, &mut faults)?;
    printing::println!("{text}");
    if args.write {
        page::replace("list", &text)?;
    }
    if faults.is_empty() {
        return Ok(());
    }
    let next = "times vary on a busy machine: run it again on a quiet one; plans do not: see service/src/store/lists.rs";
    Err(Failure::new(
        Kind::Check,
        "lists or searches are slower than allowed",
        faults.join("\n"),
        next,
    )
    .into())
}

fn pages(
    client: &Client,
    args: &BenchListArgs,
    text: &mut String,
    faults: &mut Vec<String>,
) -> Result<()> {
    let _ = write!(
        text,
        "\n| sort | page 1, ms | page {}, ms | |\n|---|---:|---:|---:|\n",
        table::count(args.page)
    );
    for sort in SORTS {
        let first = format!("sort={sort}&limit=50");
        let deep = walk(client, &first, args.page - 1)?;
        let (before, now) = (
            middle(client.times(&first, REPEATS)?),
            middle(client.times(&deep, REPEATS)?),
        );
        let growth = now / before;
        let _ = writeln!(
            text,
            "| `{sort}` | {before:.2} | {now:.2} | {growth:.2} × |"
        );
        if growth > MOST_GROWTH {
            faults.push(format!(
                "sort={sort}: page {} costs {growth:.2} × page 1, more than {MOST_GROWTH} ×",
                args.page
            ));
        }
    }
    Ok(())
}

/// Follows `next` this many times and returns the query of the page reached.
fn walk(client: &Client, first: &str, steps: u64) -> Result<String> {
    let mut query = first.to_owned();
    for step in 0..steps {
        interrupt::check()?;
        let next = client.page(&query)?.next;
        let next = next.with_context(|| {
            format!(
                "the list ended at page {}: seed more users or use a lower page number",
                step + 1
            )
        })?;
        query = format!("{first}&cursor={next}");
        if step % 2500 == 0 {
            printing::eprintln!("walking {first}: page {step} of {steps}");
        }
    }
    Ok(query)
}

fn searches(client: &Client, text: &mut String, faults: &mut Vec<String>) -> Result<()> {
    text.push_str(
        "\n| search | found on page 1 | median, ms | slowest, ms |\n|---|---:|---:|---:|\n",
    );
    for search in SEARCHES {
        let query = format!("q={}", search.replace(' ', "%20"));
        let found = client.page(&query)?.items.len();
        let times = client.times(&query, REPEATS)?;
        let slowest = times.iter().copied().fold(0.0, f64::max);
        let median = middle(times);
        let _ = writeln!(
            text,
            "| `q={search}` | {found} | {median:.2} | {slowest:.2} |"
        );
        if median > MOST_SEARCH_MS {
            faults.push(format!(
                "q={search} takes {median:.1} ms, more than {MOST_SEARCH_MS} ms"
            ));
        }
    }
    Ok(())
}

/// Every combination of filters with every sort, first and second page; returns the number of lists requested.
fn ask_everything(client: &Client) -> Result<usize> {
    let mut asked = 0;
    for first in questions::all() {
        interrupt::check()?;
        asked += 1;
        if let Some(next) = client.page(&first)?.next {
            client.page(&format!("{first}&cursor={next}"))?;
            asked += 1;
        }
    }
    Ok(asked)
}

/// The walk has its own database, which it changes.
fn walk_while_it_changes(
    program: &Program,
    postgres: &BenchPostgres,
    args: &BenchListArgs,
    text: &mut String,
    faults: &mut Vec<String>,
) -> Result<()> {
    let walk = Walk {
        users: args.walk_users,
        changes: args.walk_users / 20,
    };
    let database = postgres.create("bench_walk")?;
    roster::migrate(program, database.url())?;
    printing::eprintln!("seeding {} users to walk through", walk.users);
    postgres.seed(database.url(), walk.users)?;
    let roster = Roster::prepare(program, database.url())?;
    let server = roster.serve()?;
    walk.run(|| Client::new(&roster, &server), text, faults)?;
    server.stop()
}

fn judge_plans(
    plans: &[plans::Plan],
    asked: usize,
    text: &mut String,
    faults: &mut Vec<String>,
) -> Result<()> {
    if plans.len() < asked {
        let why = format!(
            "{asked} lists were requested, but PostgreSQL logged {} plans",
            plans.len()
        );
        let next = "check whether auto_explain is installed (postgresql-contrib)";
        return Err(
            Failure::new(Kind::Missing, "not proven: the plans of lists", why, next).into(),
        );
    }
    let whole: Vec<&plans::Plan> = plans
        .iter()
        .filter(|plan| plan.reads_whole_table())
        .collect();
    let _ = writeln!(
        text,
        "\nPlans of the {asked} lists that were asked for (every combination of filters with every sort, first and following pages), as \
         PostgreSQL logged them: {} read the whole table. Scans used: {}.",
        whole.len(),
        plans::scans(plans).join(", ")
    );
    faults.extend(
        whole
            .iter()
            .map(|plan| format!("reads the whole table: {}", plan.query)),
    );
    Ok(())
}

fn middle(times: Vec<f64>) -> f64 {
    median(times).unwrap_or(f64::NAN)
}
