//! `cutover readiness`: every scenario, a live system if one is named, then the verdict, and the certificate of it.

use cutover_core::timestamp::Timestamp;
use time::OffsetDateTime;

use crate::certificate::{
    self, Certificate, KeyError, ScenarioSet, SignedCertificate, SigningKey, Terms, config_folder,
    own_key_file, public_file,
};
use crate::cli::config::{Config, ConfigError, parse_valid_for};
use crate::cli::flags::{EnginesKind, Format, ReadinessArgs};
use crate::cli::output;
use crate::cli::run::{self, Finished, Live};
use crate::diff::Policy;
use crate::error::ExpectedError;
use crate::live::{LiveSystem, Looked};
use crate::queries;
use crate::run_folder::{CERTIFICATE_FILE, write_whole};

/// Runs every scenario that there is. The verdict is about all of them, and about the live system if there is one.
///
/// # Errors
///
/// See [`run::execute`]; and when a key or a certificate that was asked for cannot be had.
pub fn execute(config: &Config, args: &ReadinessArgs) -> Result<u8, ExpectedError> {
    let valid_for = parse_valid_for(&args.valid_for)?;
    let key = args.signing_key.as_deref().map(SigningKey::read).transpose()?;
    let mut config = config.clone();
    let mut subcommand = "readiness".to_owned();
    let live = if args.live {
        if config.engines == EnginesKind::External {
            return Err(ConfigError::LiveAndExternal.into());
        }
        subcommand += &format!(" --live --groups {}", run::quoted(&args.groups));
        let queries = match &args.queries {
            Some(Some(folder)) => {
                subcommand += &format!(" --queries {}", run::quoted(&folder.to_string_lossy()));
                queries::Catalogue::read_folder(folder)?.select(&[])?
            }
            Some(None) => {
                subcommand += " --queries";
                queries::Catalogue::bundled()?.select(&[])?
            }
            None => Vec::new(),
        };
        config.repeated.extend(config.servers.clone());
        let system = LiveSystem::connect(&config.external, args.groups.as_str())?;
        Some(Live { system, queries })
    } else {
        None
    };
    let finished = run::run_and_look(&config, config.catalogue()?.all(), &subcommand, live.as_ref())?;

    let issued_at = Timestamp::new(OffsetDateTime::now_utc());
    let scenario_set = if config.has_scenarios() { ScenarioSet::Own } else { ScenarioSet::Bundled };
    let certificate = certificate_of(&finished, Terms { issued_at, valid_for, scenario_set });
    // What was found out stands, certificate or not; who asked for one by name must not believe that it is there.
    match key.map_or_else(own_key, Ok) {
        Ok(key) => keep(&config, args, &finished, &SignedCertificate::sign(certificate, &key))?,
        Err(error) if args.certificate.is_some() => return Err(error.into()),
        Err(error) => output::complain(&without_certificate(error.into())),
    }
    Ok(finished.exit_code)
}

fn certificate_of(Finished { result, live, .. }: &Finished, terms: Terms) -> Certificate {
    let seen =
        live.as_ref().and_then(|Looked { state, figures, .. }| Some((state.clone()?, figures.clone())));
    certificate::issue(result, &Policy::direct_vs_projected(), seen, terms)
}

/// Returns the user's own key. That it was made is told once.
fn own_key() -> Result<SigningKey, KeyError> {
    let folder = config_folder(|name| std::env::var_os(name))?;
    let (key, is_new) = SigningKey::own(&folder)?;
    if is_new {
        let file = own_key_file(&folder);
        output::complain(&format!(
            "made a key that signs certificates: {}\nwho is to trust it needs {}\n",
            file.display(),
            public_file(&file).display()
        ));
    }
    Ok(key)
}

/// Puts the certificate into the run folder, and where else it was asked for.
fn keep(
    config: &Config,
    args: &ReadinessArgs,
    finished: &Finished,
    signed: &SignedCertificate,
) -> Result<(), ExpectedError> {
    let json = signed.to_json();
    match finished.folder.keep(CERTIFICATE_FILE, json.as_bytes()) {
        Ok(kept) if config.format == Format::Human => {
            output::complain(&format!("certificate: {}\n", kept.display()));
        }
        Ok(_) => {}
        Err(error) => output::complain(&without_certificate(error.into())),
    }
    if let Some(file) = &args.certificate {
        write_whole(file, json.as_bytes())
            .map_err(|source| ExpectedError::CertificateUnwritable { file: file.clone(), source })?;
    }
    Ok(())
}

/// Returns what is said where the verdict stands and no certificate does.
fn without_certificate(error: ExpectedError) -> String {
    format!("there is no certificate in the run folder\n{}", error.render())
}
