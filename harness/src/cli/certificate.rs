//! `cutover certificate`: keys are made, certificates shown, and judged.

use cutover_core::timestamp::Timestamp;
use serde::Serialize;
use time::OffsetDateTime;

use crate::certificate::{
    Certificate, KeyId, Mismatch, PublicKey, SignedCertificate, SigningKey, config_folder, policy_digest,
    public_file,
};
use crate::cli::config::Config;
use crate::cli::flags::{CertificateArgs, CertificateCommand, Format, NewKeyArgs, ShowArgs, VerifyArgs};
use crate::cli::{output, runtime};
use crate::diff::Policy;
use crate::digest::Digest;
use crate::error::ExpectedError;
use crate::exit_code;
use crate::gate::Verdict;
use crate::live::LiveSystem;
use crate::report::{Style, certificate_to_terminal, scenarios_of};

/// Does what was asked for.
///
/// # Errors
///
/// [`ExpectedError`] when a certificate is not to be believed, each reason with its remedy, and when a file cannot be used.
pub fn execute(config: &Config, args: &CertificateArgs) -> Result<u8, ExpectedError> {
    match &args.command {
        CertificateCommand::Verify(args) => verify(config, args, Timestamp::new(OffsetDateTime::now_utc())),
        CertificateCommand::Show(args) => show(config, args),
        CertificateCommand::NewKey(args) => new_key(args),
    }
}

/// What `certificate verify --format json` prints of a certificate that is to be believed.
#[derive(Serialize)]
struct Verified<'a> {
    schema_version: u32,
    verdict: Verdict,
    digest: Digest,
    key: &'a KeyId,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

fn verify(config: &Config, args: &VerifyArgs, now: Timestamp) -> Result<u8, ExpectedError> {
    let trusted = if args.trust.trusted_keys.is_empty() {
        vec![PublicKey::own(&config_folder(|name| std::env::var_os(name))?)?]
    } else {
        args.trust.trusted_keys.iter().map(|file| PublicKey::read(file)).collect::<Result<_, _>>()?
    };
    let signed = SignedCertificate::read(&args.file)?;
    let certificate = signed.verify(&trusted, now)?;
    if args.live {
        check_system(config, certificate)?;
    }
    let Certificate { verdict, issued_at, expires_at, .. } = *certificate;
    output::print(&match config.format {
        Format::Json => output::json(
            &Verified {
                schema_version: 1,
                verdict,
                digest: signed.digest(),
                key: signed.key(),
                issued_at,
                expires_at,
            },
            "what was verified is JSON",
        )?,
        Format::Human => {
            let mut text = format!("genuine: signed by key {}, which is trusted\n", signed.key());
            text += &format!("in its time: issued at {issued_at}, counts until {expires_at}\n");
            if args.live {
                text += "for this system: its servers and the policy are the same as they were\n";
            }
            text += &format!("scenarios: {}\n", scenarios_of(certificate));
            text += &format!("verdict: {verdict}\n");
            for reason in &certificate.reasons {
                text += &format!("  {reason}\n");
            }
            text
        }
    })?;
    Ok(if verdict == Verdict::Go { exit_code::PASS } else { exit_code::DIFFERENCES })
}

/// Asks the servers that were named whether they are those of the certificate.
fn check_system(config: &Config, certificate: &Certificate) -> Result<(), ExpectedError> {
    let live = certificate.live.as_ref().ok_or(Mismatch::NoLiveSystem)?;
    let system = LiveSystem::connect(&config.external, live.groups.clone())?;
    let found = runtime()?.block_on(system.identities())?;
    Ok(certificate.is_for(&found, &policy_digest(&Policy::direct_vs_projected()))?)
}

fn show(config: &Config, args: &ShowArgs) -> Result<u8, ExpectedError> {
    let signed = SignedCertificate::read(&args.file)?;
    let certificate = signed.unverified()?;
    output::print(&match config.format {
        Format::Json => signed.to_json(),
        Format::Human => {
            let style = Style { is_coloured: true, columns: output::columns(), ..Style::default() };
            certificate_to_terminal(certificate, signed.key(), style)
        }
    })?;
    Ok(exit_code::PASS)
}

fn new_key(args: &NewKeyArgs) -> Result<u8, ExpectedError> {
    let key = SigningKey::draw()?;
    key.keep(&args.file)?;
    let public = public_file(&args.file);
    output::print(&format!(
        "private key: {}, for your eyes alone\npublic key:  {}, for everybody who is to trust it\nname:        {}\n",
        args.file.display(),
        public.display(),
        key.public().id()
    ))?;
    Ok(exit_code::PASS)
}
