//! One run: opens the connections, keeps them loaded, and adds up what came back.

use crate::arguments::Arguments;
use crate::arrivals::Arrivals;
use crate::connection::{Answer, Connection};
use crate::operation::Operation;
use anyhow::Context;
use bench_load::process_tree;
use bench_load::report::{Latency, Report, curve};
use hdrhistogram::Histogram;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long to wait for responses after the last request of an open loop.
const GRACE: Duration = Duration::from_secs(5);
/// The longest latency that the histogram distinguishes: one minute.
const LONGEST_NS: u64 = 60_000_000_000;
const TIMER: Token = Token(usize::MAX);

/// A run under way.
pub(crate) struct Run<'a> {
    arguments: &'a Arguments,
    operation: Operation,
    poll: Poll,
    timer: OwnedFd,
    connections: Vec<Connection>,
    idle: Vec<usize>,
    arrivals: Option<Arrivals>,
    histogram: Histogram<u64>,
    since_sent: Histogram<u64>,
    shed: u64,
    sent: u64,
    answered: u64,
    measured_since: Option<Instant>,
    measured_until: Instant,
    cpu_us_before: Vec<u64>,
    wrong_answers: u64,
    first_wrong_answer: Option<String>,
    reconnects: u64,
}

impl<'a> Run<'a> {
    pub(crate) fn new(arguments: &'a Arguments) -> anyhow::Result<Self> {
        let token = match &arguments.token_file {
            Some(path) => Some(
                std::fs::read_to_string(path)
                    .with_context(|| format!("the token file {} cannot be read", path.display()))?,
            ),
            None => None,
        };
        let token = token.as_deref().map(str::trim);
        let operation = Operation::new(
            arguments.operation,
            arguments.users,
            token,
            &arguments.tag,
            arguments.seed,
        );
        let poll = Poll::new().context("epoll is not available")?;
        let timer = rustix::time::timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        poll.registry()
            .register(&mut SourceFd(&timer.as_raw_fd()), TIMER, Interest::READABLE)?;
        let start = Instant::now();
        let arrivals = arguments
            .rate
            .map(|rate| Arrivals::new(rate, arguments.spread, start, arguments.seed));
        let mut run = Self {
            arguments,
            operation,
            poll,
            timer,
            connections: Vec::new(),
            idle: (0..arguments.connections).rev().collect(),
            arrivals,
            histogram: Histogram::new_with_bounds(1, LONGEST_NS, 3).context("no histogram")?,
            since_sent: Histogram::new_with_bounds(1, LONGEST_NS, 3).context("no histogram")?,
            shed: 0,
            sent: 0,
            answered: 0,
            measured_since: None,
            measured_until: start,
            cpu_us_before: Vec::new(),
            wrong_answers: 0,
            first_wrong_answer: None,
            reconnects: 0,
        };
        for index in 0..arguments.connections {
            let connection = run.connect(index)?;
            run.connections.push(connection);
        }
        Ok(run)
    }

    fn connect(&self, index: usize) -> anyhow::Result<Connection> {
        let mut connection = Connection::open(self.arguments.address)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(connection.stream(), Token(index), interest)?;
        Ok(connection)
    }

    /// Loads the service until the time is over.
    pub(crate) fn finish(mut self) -> anyhow::Result<Report> {
        let mut events = Events::with_capacity(1024);
        let start = Instant::now();
        let measure_from = start + Duration::from_secs_f64(self.warm_up());
        let mut until = None;
        let mut now = start;
        loop {
            if self.measured_since.is_none() && now >= measure_from {
                self.begin_measuring()?;
                now = Instant::now();
                let seconds = Duration::from_secs_f64(self.arguments.seconds);
                until = self.arguments.requests.is_none().then(|| now + seconds);
            }
            if until.is_some_and(|until| now >= until) || self.is_answered() {
                break;
            }
            self.send_what_is_due(now)?;
            self.wait(
                &mut events,
                now,
                self.measured_since.map_or(Some(measure_from), |_| until),
            )?;
            now = Instant::now();
            self.take_answers(&events, now)?;
        }
        let cpu_us = self.cpu_us()?;
        self.measured_until = now;
        // Rejections and latencies are counted only while the load lasts: once it ends, every request is admitted.
        let (requests, shed, since_sent) =
            (self.histogram.len(), self.shed, self.since_sent.clone());
        let unanswered = self.await_the_rest(&mut events)?;
        (self.shed, self.since_sent) = (shed, since_sent);
        self.report(requests, unanswered, &cpu_us)
    }

    fn warm_up(&self) -> f64 {
        if self.arguments.requests.is_some() {
            0.0
        } else {
            self.arguments.warm_up
        }
    }

    fn begin_measuring(&mut self) -> anyhow::Result<()> {
        self.cpu_us_before = self.cpu_us()?;
        self.histogram.clear();
        self.since_sent.clear();
        self.shed = 0;
        self.measured_since = Some(Instant::now());
        Ok(())
    }

    fn cpu_us(&self) -> anyhow::Result<Vec<u64>> {
        let watched = self.arguments.watch.iter().map(|(_, pid)| *pid);
        watched
            .chain([std::process::id()])
            .map(process_tree::cpu_us)
            .collect()
    }

    fn is_answered(&self) -> bool {
        self.arguments
            .requests
            .is_some_and(|requests| self.answered >= requests)
    }

    fn send_what_is_due(&mut self, now: Instant) -> anyhow::Result<()> {
        while let Some(&index) = self.idle.last() {
            let since = match &mut self.arrivals {
                Some(arrivals) => arrivals.take(now),
                None => self
                    .arguments
                    .requests
                    .is_none_or(|requests| self.sent < requests)
                    .then_some(now),
            };
            let Some(since) = since else { break };
            self.idle.pop();
            self.sent += 1;
            self.connections[index].send(&mut self.operation, since)?;
        }
        Ok(())
    }

    fn wait(
        &mut self,
        events: &mut Events,
        now: Instant,
        end: Option<Instant>,
    ) -> anyhow::Result<()> {
        let timeout = end.map(|end| end.saturating_duration_since(now));
        // epoll waits in milliseconds; the rate of an open loop needs a finer clock.
        if let Some(arrivals) = self.arrivals.as_ref().filter(|_| !self.idle.is_empty()) {
            let wait = arrivals.until_next(now).max(Duration::from_nanos(1));
            let value = Timespec {
                tv_sec: i64::try_from(wait.as_secs())?,
                tv_nsec: wait.subsec_nanos().into(),
            };
            let once = Itimerspec {
                it_interval: Timespec {
                    tv_sec: 0,
                    tv_nsec: 0,
                },
                it_value: value,
            };
            rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        }
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Ok(()),
            result => result.context("epoll failed"),
        }
    }

    fn take_answers(&mut self, events: &Events, now: Instant) -> anyhow::Result<()> {
        for event in events.iter().filter(|event| event.token() != TIMER) {
            let index = event.token().0;
            let connection = &mut self.connections[index];
            let was_busy = connection.is_busy();
            match connection.write().and_then(|()| connection.read()) {
                Ok(Some(answer)) => self.count(index, answer, now)?,
                Ok(None) => {}
                Err(error) => {
                    if was_busy {
                        self.count_wrong(&error);
                        self.idle.push(index);
                        self.answered += 1;
                    }
                    self.reconnect(index)?;
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, index: usize, answer: Answer, now: Instant) -> anyhow::Result<()> {
        self.answered += 1;
        match answer.wrong {
            None => {
                self.histogram.saturating_record(nanos(answer.since, now));
                if self.arguments.shedding {
                    self.since_sent.saturating_record(nanos(answer.sent, now));
                }
            }
            Some(_) if answer.shed && self.arguments.shedding => self.shed += 1,
            Some(error) => self.count_wrong(&error),
        }
        self.idle.push(index);
        if answer.keep_alive {
            Ok(())
        } else {
            self.reconnect(index)
        }
    }

    fn count_wrong(&mut self, error: &anyhow::Error) {
        self.wrong_answers += 1;
        self.first_wrong_answer
            .get_or_insert_with(|| format!("{error:#}"));
    }

    fn reconnect(&mut self, index: usize) -> anyhow::Result<()> {
        self.reconnects += 1;
        self.connections[index] = self.connect(index)?;
        Ok(())
    }

    /// Includes the latency of requests still in progress in an open loop: the slowest responses must not be left out.
    fn await_the_rest(&mut self, events: &mut Events) -> anyhow::Result<u64> {
        if self.arrivals.take().is_none() {
            return Ok(0);
        }
        let end = Instant::now() + GRACE;
        loop {
            let now = Instant::now();
            let busy = self
                .connections
                .iter()
                .filter(|connection| connection.is_busy())
                .count();
            if busy == 0 || now >= end {
                let unanswered = u64::try_from(busy)?;
                self.wrong_answers += unanswered;
                return Ok(unanswered);
            }
            self.wait(events, now, Some(end))?;
            self.take_answers(events, Instant::now())?;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn report(self, requests: u64, unanswered: u64, cpu_us: &[u64]) -> anyhow::Result<Report> {
        let since = self
            .measured_since
            .context("the run ended before it measured")?;
        let seconds = self.measured_until.duration_since(since).as_secs_f64();
        let watched = &self.arguments.watch;
        let names = watched.iter().map(|(name, _)| name.as_str());
        let mut cpu_us_per_request = BTreeMap::new();
        for ((name, before), after) in names.chain(["load"]).zip(&self.cpu_us_before).zip(cpu_us) {
            let used = after.saturating_sub(*before) as f64;
            cpu_us_per_request.insert(name.to_owned(), used / requests.max(1) as f64);
        }
        let mut resident_bytes = BTreeMap::new();
        let mut proportional_bytes = BTreeMap::new();
        for (name, pid) in watched {
            if self.arguments.memory_of.contains(name) {
                let memory = process_tree::memory(*pid)?;
                resident_bytes.insert(name.clone(), memory.resident_bytes);
                proportional_bytes.insert(name.clone(), memory.proportional_bytes);
            }
        }
        Ok(Report {
            operation: format!("{:?}", self.arguments.operation).to_lowercase(),
            connections: self.arguments.connections,
            rate: self.arguments.rate,
            seconds,
            requests,
            requests_per_second: requests as f64 / seconds,
            wrong_answers: self.wrong_answers,
            first_wrong_answer: self.first_wrong_answer,
            reconnects: self.reconnects,
            unanswered,
            shed: self.shed,
            latency_us: Latency::of(&self.histogram),
            sent_latency_us: self
                .arguments
                .shedding
                .then(|| Latency::of(&self.since_sent)),
            curve_us: curve(&self.histogram),
            cpu_us_per_request,
            resident_bytes,
            proportional_bytes,
        })
    }
}

fn nanos(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
