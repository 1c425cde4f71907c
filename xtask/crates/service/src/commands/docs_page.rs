//! `cargo xtask e2e docs`: uses /docs in a real Chromium as a person would.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::chromium::Chromium;
use crate::cli::DocsPageArgs;
use roster_dev::local_roster::LocalRoster;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

const EMAIL: &str = "grace@example.com";
const OPERATION: &str = "#operations-users-createUser";

pub(crate) fn run(args: &DocsPageArgs) -> Result<()> {
    interrupt::watch()?;
    // Checked first: without a browser, nothing needs to be built.
    let mut browser = Chromium::start()?;
    let roster = LocalRoster::start("cargo xtask e2e docs", Path::new("target/e2e"))?;
    let shown = create_a_user(&mut browser, &roster, &args.picture)?;
    ensure!(
        shown["email"] == EMAIL,
        "the page shows another user: {shown}"
    );
    let found = find_by_email(&roster)?;
    ensure!(
        found["items"][0]["id"] == shown["id"],
        "the user on the page is not in the directory: {found}"
    );
    if !browser.complaints().is_empty() {
        return Err(Failure::new(
            Kind::Check,
            "the page reported errors",
            browser.complaints().join("\n"),
            "fix http/api/docs.rs: its policy, or what the page loads",
        )
        .into());
    }
    printing::println!(
        "/docs: pasted a token, created user {} with {EMAIL}, found it in the directory; the page reported no errors; {}",
        shown["id"],
        args.picture.display()
    );
    Ok(())
}

/// The user that the page created, as shown on the page.
fn create_a_user(browser: &mut Chromium, roster: &LocalRoster, picture: &Path) -> Result<Value> {
    browser.open(&format!("{}/docs", roster.url()))?;
    browser.click(".swagger-ui .auth-wrapper .btn.authorize")?;
    browser.paste("#auth-bearer-value", roster.token())?;
    browser.click(".auth-container form:has(#auth-bearer-value) .btn.authorize")?;
    browser.wait_until(
        "that it has taken the token",
        "[...document.querySelectorAll('.auth-container h6')].some(h => h.textContent.includes('Authorized'))",
    )?;
    browser.click(".dialog-ux .close-modal")?;
    browser.click(&format!("{OPERATION} .opblock-summary-control"))?;
    browser.click(&format!("{OPERATION} .try-out__btn"))?;
    let user = json!({"email": EMAIL, "name": "Grace Hopper", "department": "Compilers"});
    browser.paste(
        &format!("{OPERATION} textarea.body-param__text"),
        &format!("{user:#}"),
    )?;
    browser.click(&format!("{OPERATION} .btn.execute"))?;
    let answered = format!("{OPERATION} .live-responses-table tbody .response-col_status");
    browser.wait_until(
        "an answer",
        &format!("!!document.querySelector({})", json!(answered)),
    )?;
    let text_of = |selector: &str| {
        format!(
            "document.querySelector({}).textContent.trim()",
            json!(selector)
        )
    };
    let status = browser.evaluate(&text_of(&answered))?;
    browser.evaluate(&format!(
        "document.querySelector({}).scrollIntoView({{block: 'center'}})",
        json!(answered)
    ))?;
    std::fs::create_dir_all(picture.parent().unwrap_or(Path::new(".")))?;
    browser.picture(picture)?;
    let body = browser.evaluate(&text_of(&format!(
        "{OPERATION} .live-responses-table code.language-json"
    )))?;
    ensure!(
        status.as_str().is_some_and(|text| text.starts_with("201")),
        "the page got {status}: {body}"
    );
    let body = body.as_str().context("the page shows no body")?;
    serde_json::from_str(body).with_context(|| format!("the page shows no JSON: {body}"))
}

fn find_by_email(roster: &LocalRoster) -> Result<Value> {
    let url = format!("{}/v1/users?email={EMAIL}", roster.url());
    let mut answer = http_client::agent(Duration::from_secs(10))
        .get(url)
        .header("authorization", format!("Bearer {}", roster.token()))
        .call()?;
    Ok(answer.body_mut().read_json()?)
}
