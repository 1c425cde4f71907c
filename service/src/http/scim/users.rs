//! One user: create, read, replace, patch, delete. What a request and an operation of a bulk request have in common is an
//! [`Intent`], which both perform.

use super::answer;
use super::protocol::Resource;
use super::protocol::patch::Patch;
use super::protocol::profile::ProviderProfile;
use super::protocol::projection::Projection;
use super::protocol::resource::accept;
use super::representation::{self, without_server_attributes};
use super::request::{ScimRequest, body};
use crate::domain::{
    Condition, DirectoryError, ProvisionedUser, ProvisioningStore, ScimProfile, Stamp, User, UserId,
};
use crate::http::answer::Answer;
use crate::http::api::service::Service;
use crate::http::call::Call;
use crate::http::problem::Problem;
use crate::http::read_request::{Stored, read_condition, read_stored, user_id};
use http::StatusCode;
use serde_json::Value;

/// Creates a user: 201.
pub(in crate::http) async fn create<S: ProvisioningStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    let intent = || Ok(Intent::Create(body(service, call)?));
    change(service, call, intent).await
}

/// Reads a user: 200, or 304 when the client has this version.
pub(in crate::http) async fn read<S: ProvisioningStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    let request = ScimRequest::read(service, call)?;
    let projection = request.projection()?;
    let id = user_id(call.path())?;
    let directory = &service.directory;
    let found = directory.read_provisioned(&request.client, id).await?;
    let now_s = service.source.now().unix_seconds();
    match read_stored(call.headers(), &found.user, now_s)? {
        Stored::Other => {}
        Stored::Present => return Ok(answer::not_modified(answer::entity_tag(found.user.version))),
        Stored::PresentAs(tag) => return Ok(answer::not_modified(tag)),
    }
    let performed = Performed::of(StatusCode::OK, &found, &request)?;
    Ok(performed.answer(&request, &projection))
}

/// Replaces a user: 200.
pub(in crate::http) async fn replace<S: ProvisioningStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    let intent = || {
        let id = user_id(call.path())?;
        let condition = condition(service, call)?;
        Ok(Intent::Replace(id, condition, body(service, call)?))
    };
    change(service, call, intent).await
}

/// Patches a user: 200.
pub(in crate::http) async fn patch<S: ProvisioningStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    let intent = || {
        let id = user_id(call.path())?;
        let condition = condition(service, call)?;
        Ok(Intent::Patch(id, condition, body(service, call)?))
    };
    change(service, call, intent).await
}

/// Answers with the user that a change makes. What every request has is read before the change itself.
async fn change<S: ProvisioningStore>(
    service: &Service<S>,
    call: &Call,
    intent: impl FnOnce() -> Result<Intent, Problem>,
) -> Result<Answer, Problem> {
    let request = ScimRequest::read(service, call)?;
    let projection = request.projection()?;
    let performed = intent()?.perform(service, &request, call).await?;
    Ok(performed.answer(&request, &projection))
}

/// Deletes a user: 204.
pub(in crate::http) async fn delete<S: ProvisioningStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    let request = ScimRequest::read(service, call)?;
    let id = user_id(call.path())?;
    let intent = Intent::Delete(id, condition(service, call)?);
    let performed = intent.perform(service, &request, call).await?;
    Ok(answer::empty(performed.status))
}

/// `If-Match` is honoured and never required: no provider sends it.
fn condition<S>(service: &Service<S>, call: &Call) -> Result<Condition, Problem> {
    let now_s = service.source.now().unix_seconds();
    read_condition(call.headers(), false, now_s)
}

/// What is to be done to a user.
pub(super) enum Intent {
    Create(Value),
    Replace(UserId, Condition, Value),
    Patch(UserId, Condition, Value),
    Delete(UserId, Condition),
}

/// What was done.
pub(super) struct Performed {
    pub(super) status: StatusCode,
    /// The user as it is now; `None` when it is gone.
    pub(super) user: Option<(User, Resource)>,
}

impl Performed {
    fn of(
        status: StatusCode,
        found: &ProvisionedUser,
        request: &ScimRequest<'_>,
    ) -> Result<Self, Problem> {
        let resource = representation::resource(found, &request.base).map_err(unreadable)?;
        Ok(Self {
            status,
            user: Some((found.user.clone(), resource)),
        })
    }

    fn answer(self, request: &ScimRequest<'_>, projection: &Projection) -> Answer {
        let Some((user, resource)) = self.user else {
            return answer::empty(self.status);
        };
        let location = request.location(user.id.0);
        let resource = projection.apply(resource);
        answer::resource(self.status, &resource, user.version, &location)
    }
}

pub(super) fn unreadable(error: representation::Unreadable) -> Problem {
    DirectoryError::Internal(Box::new(error)).into()
}

impl Intent {
    /// Does it.
    pub(super) async fn perform<S: ProvisioningStore>(
        self,
        service: &Service<S>,
        request: &ScimRequest<'_>,
        call: &Call,
    ) -> Result<Performed, Problem> {
        let (directory, client) = (&service.directory, &request.client);
        let stamp = Stamp {
            at: service.source.now(),
            actor: call.actor(),
        };
        let changed = match self {
            Self::Create(body) => {
                let wanted = with_status(accept(&body)?);
                let id = service.source.user_id();
                let provision = representation::provision(wanted, id, None)?;
                let user = User::new(id, provision.profile.clone(), stamp.at);
                let mut created = ProvisionedUser {
                    user: user.clone(),
                    document: Some(provision.attributes.document.clone()),
                    external_id: provision.external_id.clone(),
                };
                let actor = stamp.actor;
                let user = directory.create_provisioned(client, user, provision, actor);
                created.user = user.await?;
                return Performed::of(StatusCode::CREATED, &created, request);
            }
            Self::Replace(id, condition, body) => {
                let wanted = without_server_attributes(with_status(accept(&body)?));
                let change = move |present: &ProvisionedUser, _: ScimProfile| {
                    let before = representation::resource(present, "").map_err(unreadable)?;
                    if without_server_attributes(before) == wanted {
                        return Ok(None);
                    }
                    let profile = Some(&present.user.profile);
                    let provision = representation::provision(wanted.clone(), id, profile)?;
                    Ok::<_, Problem>(Some(provision))
                };
                let changed = directory.change_provisioned(client, id, condition, stamp, change);
                changed.await?
            }
            Self::Patch(id, condition, body) => {
                let patch = Patch::parse(&body)?;
                let base = request.base.clone();
                let change = move |present: &ProvisionedUser, profile: ScimProfile| {
                    let before = representation::resource(present, &base).map_err(unreadable)?;
                    let after = patch.apply(&before, provider_profile(profile))?;
                    if before == after {
                        return Ok(None);
                    }
                    let profile = Some(&present.user.profile);
                    Ok::<_, Problem>(Some(representation::provision(after, id, profile)?))
                };
                let changed = directory.change_provisioned(client, id, condition, stamp, change);
                changed.await?
            }
            Self::Delete(id, condition) => {
                directory.delete(id, condition, stamp).await?;
                return Ok(Performed {
                    status: StatusCode::NO_CONTENT,
                    user: None,
                });
            }
        };
        Performed::of(StatusCode::OK, &changed, request)
    }
}

/// A user is active unless the provider says otherwise, and reads so.
fn with_status(mut resource: Resource) -> Resource {
    resource
        .entry("active")
        .or_insert_with(|| Value::Bool(true));
    resource
}

fn provider_profile(profile: ScimProfile) -> ProviderProfile {
    match profile {
        ScimProfile::Rfc => ProviderProfile::Rfc,
        ScimProfile::Entra => ProviderProfile::Entra,
    }
}
