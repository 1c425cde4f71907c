//! The `roster` binary: its commands and their exit codes.

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use roster::app::build;
use roster::app::client_commands::{self, ClientCommand, TokenCommand};
use roster::app::client_token_commands::ClientTokenCommand;
use roster::app::commands::CommandError;
use roster::app::email_commands::{self, CheckEmailsArgs, run_check_emails};
use roster::app::registered_client::{self, ClientFilesArgs};
use roster::app::{self, App, StartError};
use roster::bulk_client::{BulkError, export, import};
use roster::config::{self, DatabaseArgs, ServeArgs};
use roster::domain::DirectoryError;
use roster::healthcheck;
use roster::shutdown::run_until_signalled;
use roster::smoke_test::{self, SmokeTestArgs};
use roster::store::check_email_keys;
use roster::store::migrations::{self, SchemaError};
use roster::telemetry;
use std::net::SocketAddr;
use std::process::ExitCode;

/// A failure that needs a person.
const FAILURE: u8 = 1;
/// A flag or a setting is wrong.
const BAD_SETTING: u8 = 2;
/// The database cannot be reached.
const DATABASE_UNREACHABLE: u8 = 3;
/// The schema does not fit this program.
const SCHEMA_MISMATCH: u8 = 4;
/// The database's role lacks a privilege.
const PERMISSION_DENIED: u8 = 5;

/// A user directory over HTTP, kept in PostgreSQL.
///
/// Every setting is a flag and an environment variable of the same name with ROSTER_ before it.
#[derive(Parser)]
#[command(version = build::LONG_VERSION.as_str(), arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 failure, 2 bad flag or setting, 3 database unreachable, 4 schema does not fit, 5 the database role lacks a privilege."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the directory until SIGTERM or SIGINT.
    ///
    /// SIGHUP reopens the log file and reads secrets again. Refuses to start on an incompatible schema.
    Serve(Box<ServeArgs>),
    /// Bring the schema of the database to the version of this program.
    ///
    /// Safe to run from several replicas at once: an advisory lock has them do it one after the other. With --client-id-file
    /// and --client-secret-file it also registers that client, unless it is registered already.
    Migrate(MigrateArgs),
    /// Ask a running service whether it is ready; exit code 0 when it is.
    Healthcheck {
        /// The admin listener of the service.
        #[arg(
            long,
            env = "ROSTER_ADMIN_LISTEN",
            default_value = "127.0.0.1:8081",
            value_name = "ADDRESS"
        )]
        admin_listen: SocketAddr,
    },
    /// Find the users whose e-mail address the rules of this version refuse, or know under another key; ids alone are printed.
    ///
    /// Exit code 1 when users need attention. 'roster migrate' updates the keys by itself.
    CheckEmails(CheckEmailsArgs),
    /// Make, list and revoke the clients that may ask for tokens.
    #[command(subcommand)]
    Client(ClientCommand),
    /// Make the keys that sign tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Send the users of a file to a running service: CSV, JSON lines, LDIF, and exports of Keycloak, Auth0 and Okta.
    ///
    /// Every record gets its own outcome; those that are refused are kept in a file that can be corrected and imported.
    /// Exit code 1 when any were. An import that is interrupted is continued.
    Import(Box<import::ImportArgs>),
    /// Write every user of a running service to a file, and the cursor with which the change feed continues it.
    Export(Box<export::ExportArgs>),
    /// Walk once through a running service as a client: token, create, read, delete one user. Used by `helm test`.
    SmokeTest(SmokeTestArgs),
    /// Print the effective settings of 'serve', with secrets masked, and say what is wrong with them.
    CheckConfig(Box<ServeArgs>),
    /// Print the OpenAPI document of the service.
    Openapi {
        /// Print that of SCIM instead.
        #[arg(long)]
        scim: bool,
    },
    /// Print every setting of 'serve' as Markdown tables.
    #[command(hide = true)]
    SettingsTables,
}

/// What `migrate` works on.
#[derive(Args)]
struct MigrateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    client: ClientFilesArgs,
}

fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let outcome = match cli.command {
        Command::Serve(args) => serve(&args),
        Command::Migrate(args) => migrate(&args),
        Command::Healthcheck { admin_listen } => ask(admin_listen),
        Command::CheckEmails(args) => {
            runtime().and_then(|runtime| print(runtime.block_on(run_check_emails(&args))))
        }
        Command::Client(command) => client(&command),
        Command::Token(command) => print_the_only_copy(client_commands::run_token(&command)),
        Command::Import(args) => bulk(import::run(&args)),
        Command::Export(args) => bulk(export::run(&args)),
        Command::SmokeTest(args) => {
            smoke_test::run(&args).map_err(|error| (FAILURE, error.to_string()))
        }
        Command::CheckConfig(args) => check_config(&args, &matches),
        Command::Openapi { scim } => {
            openapi(scim);
            Ok(())
        }
        Command::SettingsTables => {
            printing::print!("{}", config::table::tables());
            Ok(())
        }
    };
    let written = printing::finish().map_err(|error| (FAILURE, error));
    match outcome.and(written) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, message)) => {
            printing::eprintln!("roster: {message}");
            ExitCode::from(code)
        }
    }
}

type Outcome = Result<(), (u8, String)>;

fn start_failure(error: &StartError) -> (u8, String) {
    let code = match error {
        StartError::Config(_) => BAD_SETTING,
        StartError::Store(error) if error.is_permission_denied() => PERMISSION_DENIED,
        StartError::Store(_) => DATABASE_UNREACHABLE,
        StartError::Schema(SchemaError::Privileges(_)) => PERMISSION_DENIED,
        StartError::Schema(_) => SCHEMA_MISMATCH,
        StartError::Listen { .. } | StartError::Internal(_) => FAILURE,
    };
    (code, error.to_string())
}

/// The main thread accepts connections, prunes the feed, watches it for readers and serves probes; worker threads
/// serve connections.
fn runtime() -> Result<tokio::runtime::Runtime, (u8, String)> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| (FAILURE, format!("cannot start the async runtime: {error}")))
}

fn serve(args: &ServeArgs) -> Outcome {
    let telemetry = telemetry::start(&app::telemetry_settings(&args.log))
        .map_err(|error| (FAILURE, error.to_string()))?;
    runtime()?.block_on(async {
        let app = App::start(args, &telemetry).await.map_err(|error| start_failure(&error))?;
        tracing::info!(address = %app.address(), admin_address = %app.admin_address(), version = build::VERSION, revision = build::revision(), "serving");
        match run_until_signalled(app, telemetry).await {
            Ok(0) => Ok(()),
            Ok(cut_off) => Err((FAILURE, format!("{cut_off} connections were aborted: their requests did not finish within --drain-timeout-ms"))),
            Err(error) => Err(start_failure(&error)),
        }
    })
}

fn migrate(args: &MigrateArgs) -> Outcome {
    let settings = app::pool_settings(&args.database, None)
        .map_err(|error| (BAD_SETTING, error.to_string()))?;
    let report = |line: &str| printing::eprintln!("roster: {line}");
    let outcome = runtime()?.block_on(migrations::migrate(&settings, report));
    let migrated = outcome.map_err(|error| start_failure(&error.into()))?;
    for migration in &migrated.applied {
        printing::println!("applied {migration}");
    }
    printing::println!("the schema has version {}", migrated.version);
    // Of addresses that were stored under the rules of an earlier version.
    let emails = runtime()?
        .block_on(check_email_keys(&settings, true))
        .map_err(|error| start_failure(&StartError::Store(error)))?;
    printing::print!("{}", email_commands::describe(&emails, true));
    let registered = registered_client::register(&args.database, &args.client);
    print(runtime()?.block_on(registered))
}

fn client(command: &ClientCommand) -> Outcome {
    let outcome = runtime()?.block_on(client_commands::run_client(command));
    match command {
        ClientCommand::Create(_) | ClientCommand::Token(ClientTokenCommand::Create(_)) => {
            print_the_only_copy(outcome)
        }
        _ => print(outcome),
    }
}

/// Prints a secret that is kept nowhere else: a reader that has gone is an error here.
fn print_the_only_copy(outcome: Result<String, CommandError>) -> Outcome {
    let text = outcome.map_err(|error| command_failure(&error))?;
    printing::deliver(format_args!("{text}")).map_err(|error| {
        let next = "next: read the output to its end; a client that was created is in 'roster client list': revoke it and create another";
        (FAILURE, format!("{error}; the secret in it is lost\n{next}"))
    })
}

fn print(outcome: Result<String, CommandError>) -> Outcome {
    let text = outcome.map_err(|error| command_failure(&error))?;
    printing::print!("{text}");
    Ok(())
}

fn command_failure(error: &CommandError) -> (u8, String) {
    match error {
        CommandError::Start(start) => start_failure(start),
        CommandError::Store(DirectoryError::Unavailable { .. }) => {
            (DATABASE_UNREACHABLE, error.to_string())
        }
        CommandError::Store(_) | CommandError::Refused(_) => (FAILURE, error.to_string()),
    }
}

/// What is reported of an export goes beside it, to standard error; so does that of an import.
fn bulk(outcome: Result<String, BulkError>) -> Outcome {
    match outcome {
        Ok(text) => {
            printing::eprintln!("{text}");
            Ok(())
        }
        Err(error) if error.is_usage => Err((BAD_SETTING, error.to_string())),
        Err(error) => Err((FAILURE, error.to_string())),
    }
}

fn ask(admin_listen: SocketAddr) -> Outcome {
    healthcheck::ask(admin_listen).map_err(|error| (FAILURE, error.to_string()))
}

fn check_config(args: &ServeArgs, matches: &clap::ArgMatches) -> Outcome {
    let url =
        app::database_url(&args.database).map_err(|error| (BAD_SETTING, error.to_string()))?;
    let command = Cli::command();
    if let (Some(command), Some(("check-config", matches))) = (
        command.find_subcommand("check-config"),
        matches.subcommand(),
    ) {
        printing::print!("{}", config::describe(command, matches, &url.to_string()));
    }
    let wrong = |error: config::ConfigError| (BAD_SETTING, error.to_string());
    app::check_tokens(&args.tokens, args.http.auth).map_err(wrong)
}

fn openapi(scim: bool) {
    let document = if scim {
        roster::http::scim_openapi_document()
    } else {
        roster::http::openapi_document()
    };
    printing::println!("{document:#}");
}
