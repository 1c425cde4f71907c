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

impl ProviderProfile {
    /// Every profile.
    pub(in crate::http) const ALL: [Self; 2] = [Self::Rfc, Self::Entra];

    /// The word that stands for it in settings.
    pub(in crate::http) fn as_str(self) -> &'static str {
        match self {
            Self::Rfc => "rfc",
            Self::Entra => "entra",
        }
    }

    /// Reads the word back.
    pub(in crate::http) fn parse(raw: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.as_str() == raw)
    }
}
