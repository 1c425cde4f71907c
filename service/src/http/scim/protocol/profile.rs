//! Where the standard and a provider contradict each other: a setting per client.

/// How a client expects patches to work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::http) enum ProviderProfile {
    /// As RFC 7644 has it: a filter that selects nothing is an error (`noTarget`); the default.
    #[default]
    Rfc,
    /// As Microsoft Entra ID expects: setting a value that the filter does not find creates it from the filter, and removing
    /// one does nothing.
    Entra,
}

#[cfg(any(test, fuzzing))]
impl ProviderProfile {
    /// Every profile.
    pub(in crate::http) const ALL: [Self; 2] = [Self::Rfc, Self::Entra];
}
