//! A headless Chromium, controlled through its `DevTools` protocol over a pipe: opens pages, clicks and reads as a
//! person would. Must not know what is on the pages.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use xtask::tools;

/// Names of the program on different systems.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
const CALL_TIMEOUT: Duration = Duration::from_mins(1);
const PATIENCE: Duration = Duration::from_secs(90);
const FLAGS: [&str; 10] = [
    "--headless",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,1600",
];

/// A browser with one page.
pub(crate) struct Chromium {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    calls: u64,
    session: Option<String>,
    complaints: Vec<String>,
    _profile: TempDir,
}

impl Chromium {
    /// Starts a browser with an empty profile.
    pub(crate) fn start() -> Result<Self> {
        let program = NAMES.into_iter().find_map(tools::path);
        let program = program.ok_or_else(|| tools::missing("chromium"))?;
        let profile = tempfile::tempdir().context("cannot make a folder for the browser")?;
        let mut command = Command::new("sh");
        // The browser reads commands from file descriptor 3 and writes responses to 4.
        command
            .args([
                "-c",
                r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#,
            ])
            .arg(program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()));
        if rustix::process::geteuid().is_root() {
            command.arg("--no-sandbox");
        }
        let mut child = command
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a shell")?;
        let to = child.stdin.take().context("the browser has no input")?;
        let output = child.stdout.take().context("the browser has no output")?;
        let (sender, from) = channel();
        std::thread::spawn(move || {
            let messages = BufReader::new(output).split(0);
            for message in messages.map_while(Result::ok) {
                let parsed = serde_json::from_slice(&message);
                if parsed.is_ok_and(|value| sender.send(value).is_err()) {
                    return;
                }
            }
        });
        let mut browser = Self {
            child,
            to,
            from,
            calls: 0,
            session: None,
            complaints: Vec::new(),
            _profile: profile,
        };
        let made = browser.call("Target.createTarget", &json!({"url": "about:blank"}))?;
        let attached = browser.call(
            "Target.attachToTarget",
            &json!({"targetId": made["targetId"], "flatten": true}),
        )?;
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.call(domain, &json!({}))?;
        }
        Ok(browser)
    }

    /// Goes to a page.
    pub(crate) fn open(&mut self, url: &str) -> Result<()> {
        let went = self.call("Page.navigate", &json!({"url": url}))?;
        match went["errorText"].as_str() {
            Some(why) => bail!("{url} cannot be opened: {why}"),
            None => Ok(()),
        }
    }

    /// Evaluates a JavaScript expression on the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let parameters =
            json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let done = self.call("Runtime.evaluate", &parameters)?;
        if let Some(thrown) = done.get("exceptionDetails") {
            bail!("the page threw {thrown}");
        }
        Ok(done["result"]["value"].clone())
    }

    /// Waits until an expression is true.
    pub(crate) fn wait_until(&mut self, what: &str, expression: &str) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.evaluate(expression)? == true {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("the page never showed {what} ({expression})")
    }

    /// Clicks the element of a selector once it exists.
    pub(crate) fn click(&mut self, selector: &str) -> Result<()> {
        let found = format!("document.querySelector({})", json!(selector));
        self.wait_until(selector, &format!("!!{found}"))?;
        self.evaluate(&format!("{found}.click()")).map(drop)
    }

    /// Replaces the text of a field, as pasting does.
    pub(crate) fn paste(&mut self, selector: &str, text: &str) -> Result<()> {
        let found = format!("document.querySelector({})", json!(selector));
        self.wait_until(selector, &format!("!!{found}"))?;
        self.evaluate(&format!("{found}.focus(); {found}.select()"))?;
        self.call("Input.insertText", &json!({"text": text}))
            .map(drop)
    }

    /// Saves a screenshot of the page as PNG.
    pub(crate) fn picture(&mut self, path: &Path) -> Result<()> {
        let taken = self.call("Page.captureScreenshot", &json!({"format": "png"}))?;
        let data = taken["data"]
            .as_str()
            .context("the browser returned no screenshot")?;
        std::fs::write(path, STANDARD.decode(data)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// The page's errors so far: script errors, blocked resources, policy violations.
    pub(crate) fn complaints(&self) -> &[String] {
        &self.complaints
    }

    fn call(&mut self, method: &str, parameters: &Value) -> Result<Value> {
        self.calls += 1;
        let mut message = json!({"id": self.calls, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let gone = || format!("the browser exited during {method}");
        self.to.write_all(&bytes).with_context(gone)?;
        loop {
            let answer = self.from.recv_timeout(CALL_TIMEOUT).with_context(gone)?;
            if answer["id"] != self.calls {
                self.note(&answer);
            } else if let Some(error) = answer.get("error") {
                bail!("the browser refused {method}: {error}");
            } else {
                return Ok(answer["result"].clone());
            }
        }
    }

    fn note(&mut self, event: &Value) {
        let parameters = &event["params"];
        match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => self
                .complaints
                .push(parameters["exceptionDetails"].to_string()),
            Some("Log.entryAdded") if parameters["entry"]["level"] == "error" => {
                self.complaints.push(parameters["entry"].to_string());
            }
            _ => {}
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        self.session = None;
        if self.call("Browser.close", &json!({})).is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
