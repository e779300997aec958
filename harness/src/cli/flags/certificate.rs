//! The arguments of `cutover certificate`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::live::TrustedKeys;

/// Arguments of `certificate`.
#[derive(Debug, Args)]
pub struct CertificateArgs {
    /// What is to be done.
    #[command(subcommand)]
    pub command: CertificateCommand,
}

/// What can be done about certificates.
#[derive(Debug, Subcommand)]
pub enum CertificateCommand {
    /// Say whether a certificate is genuine, in its time, and says GO.
    Verify(VerifyArgs),
    /// Show what a certificate says, whether it is to be believed or not.
    Show(ShowArgs),
    /// Make a key that signs: FILE, for your eyes alone, and FILE.pub for everybody who is to trust it.
    NewKey(NewKeyArgs),
}

/// Arguments of `certificate verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The certificate.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Whose certificates count.
    #[command(flatten)]
    pub trust: TrustedKeys,
    /// Also say whether it is for the live system that --eventstore-url, --direct-url and --projected-url name, as that is now.
    #[arg(long, env = "CUTOVER_LIVE", hide_env_values = true)]
    pub live: bool,
}

/// Arguments of `certificate show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The certificate.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Arguments of `certificate new-key`.
#[derive(Debug, Args)]
pub struct NewKeyArgs {
    /// Where the private key goes. A file that is there is never overwritten.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}
