//! `cargo xtask slack-stand-in`: the stand-in for Slack's API as a program.

use anyhow::Result;
use serde_json::json;

use crate::cli::SlackStandInArgs;
use crate::{Behaviour, SlackStandIn};

pub(crate) fn run(args: SlackStandInArgs) -> Result<()> {
    let behaviour = Behaviour {
        rate_limited: args.rate_limited,
        retry_after_s: 1,
        broken: args.broken,
        record: args.record,
    };
    let stand_in = SlackStandIn::start(args.listen, behaviour)?;
    let ready = json!({
        "webhook_url": stand_in.webhook_url(),
        "api_url": stand_in.api_url(),
        "bot_token": stand_in.bot_token(),
    });
    printing::println!("{ready}");
    printing::eprintln!("accepting messages until Ctrl-C");
    stand_in.wait();
    Ok(())
}
