//! The Docker daemon, asked directly: whether it answers, what images it has, and what containers of ours are there.

use std::collections::HashMap;

use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::{ListContainersOptions, RemoveContainerOptions};
use testcontainers::core::client::docker_client_instance;

use crate::doctor::ImagePlace;
use crate::provision::owner::Owner;

/// The label that names the owner of a container.
pub(super) const OWNER_LABEL: &str = "cutover.owner";

/// What the daemon does not do.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// It cannot be reached.
    #[error("no Docker daemon answers")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It refuses.
    #[error("the Docker daemon did not {doing}")]
    Refused {
        /// What it should have done.
        doing: &'static str,
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl DaemonError {
    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        "start Docker, or name a daemon that this account may use with DOCKER_HOST; `cutover doctor` asks it"
    }
}

/// A Docker daemon that answers.
pub struct Daemon {
    docker: Docker,
    version: String,
}

impl Daemon {
    /// Connects to the daemon that containers will run in.
    ///
    /// # Errors
    ///
    /// [`DaemonError::Unreachable`] when it does not answer.
    pub async fn connect() -> Result<Self, DaemonError> {
        let unreachable = |error: Box<dyn std::error::Error + Send + Sync>| DaemonError::Unreachable(error);
        let docker = docker_client_instance().await.map_err(|error| unreachable(error.into()))?;
        let version = docker.version().await.map_err(|error| unreachable(error.into()))?;
        Ok(Self { docker, version: version.version.unwrap_or_else(|| "unknown".to_owned()) })
    }

    /// Returns the daemon's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Asks where an image is.
    pub async fn image(&self, image: &str) -> ImagePlace {
        if self.docker.inspect_image(image).await.is_ok() {
            return ImagePlace::Here;
        }
        match self.docker.inspect_registry_image(image, None).await {
            Ok(_) => ImagePlace::InRegistry,
            Err(_) => ImagePlace::Nowhere,
        }
    }

    /// Removes the containers of owners that run no more, and returns how many there were.
    ///
    /// # Errors
    ///
    /// Fails when the daemon refuses.
    pub async fn sweep(&self) -> Result<usize, DaemonError> {
        self.remove(|owner| owner.parse::<Owner>().is_ok_and(|owner| owner.is_gone())).await
    }

    /// Removes the containers of one owner, those among them that are only just being made.
    ///
    /// # Errors
    ///
    /// Fails when the daemon refuses.
    pub async fn remove_all_of(&self, owner: &str) -> Result<usize, DaemonError> {
        self.remove(|found| found == owner).await
    }

    async fn remove(&self, is_wanted: impl Fn(&str) -> bool) -> Result<usize, DaemonError> {
        let refused = |doing: &'static str| {
            move |error: testcontainers::bollard::errors::Error| DaemonError::Refused {
                doing,
                source: error.into(),
            }
        };
        let filters = HashMap::from([("label".to_owned(), vec![OWNER_LABEL.to_owned()])]);
        let options = ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
        let listed = self.docker.list_containers(Some(options)).await.map_err(refused("list containers"))?;
        let mut removed = 0;
        for container in listed {
            let owner = container.labels.as_ref().and_then(|labels| labels.get(OWNER_LABEL));
            let (Some(id), Some(owner)) = (&container.id, owner) else { continue };
            if !is_wanted(owner) {
                continue;
            }
            let options = RemoveContainerOptions { force: true, v: true, ..Default::default() };
            match self.docker.remove_container(id, Some(options)).await {
                Ok(()) => removed += 1,
                // Somebody was faster, or is at it: 404, 409.
                Err(testcontainers::bollard::errors::Error::DockerResponseServerError {
                    status_code: 404 | 409,
                    ..
                }) => {}
                Err(error) => return Err(refused("remove a container")(error)),
            }
        }
        Ok(removed)
    }
}
