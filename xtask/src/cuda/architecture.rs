//! For which GPUs kernels are compiled.

use std::fmt;

/// What `CUDA_COMPUTE_CAP` means to the builds of kernels (cudaforge): a compute capability, and from 9.0 on the suffix of
/// instructions that belong to that GPU alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Architecture {
    /// Ten times the compute capability: 90 for 9.0.
    pub(super) capability: u32,
    suffix: Option<char>,
}

/// Where neither the user nor a GPU says: Hopper, as the H100.
const USUAL: Architecture = Architecture { capability: 90, suffix: Some('a') };

impl Architecture {
    /// As cudaforge reads it: `80`, `90`, `90a`, `sm_120f`; a number alone has the suffix of its generation.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let text = text.strip_prefix("sm_").unwrap_or(&text);
        let suffix = text.chars().last().filter(|c| ['a', 'f'].contains(c));
        let digits = text.strip_suffix(|c| suffix == Some(c)).unwrap_or(text);
        let number: u32 = digits.parse().ok()?;
        let capability = if number < 20 { number * 10 } else { number };
        let usual = match capability {
            ..90 => None,
            90..=120 => Some('a'),
            _ => Some('f'),
        };
        Some(Self { capability, suffix: suffix.or(usual) })
    }

    /// That of the user, else that of the least able GPU at hand, else the usual one.
    pub(super) fn chosen() -> Result<Self, String> {
        if let Ok(text) = std::env::var("CUDA_COMPUTE_CAP") {
            return Self::parse(&text)
                .ok_or_else(|| format!("CUDA_COMPUTE_CAP is {text}: give a number such as 80, 90 or 120"));
        }
        let of_gpu = super::gpu::capabilities().into_iter().min().map(|capability| capability.to_string());
        Ok(of_gpu.and_then(|text| Self::parse(&text)).unwrap_or(USUAL))
    }

    /// In words, for people.
    pub(super) fn runs_on(self) -> String {
        let number = format!("{}.{}", self.capability / 10, self.capability % 10);
        match self.suffix {
            None => format!("GPUs of compute capability {number} and above"),
            Some('f') => format!("GPUs of the family of compute capability {number}"),
            Some(_) => format!("GPUs of compute capability {number} alone"),
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.capability, self.suffix.map_or(String::new(), String::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_get_the_suffix_of_their_generation() {
        let names = |text: &str| Architecture::parse(text).map(|a| a.to_string());
        assert_eq!(names("80").as_deref(), Some("80"));
        assert_eq!(names("sm_90").as_deref(), Some("90a"));
        assert_eq!(names("100f").as_deref(), Some("100f"));
        assert_eq!(names("9").as_deref(), Some("90a"));
        assert_eq!(names("121").as_deref(), Some("121f"));
        assert_eq!(names("9.0"), None);
        assert_eq!(names(""), None);
        assert_eq!(USUAL, Architecture::parse("90").unwrap());
    }

    #[test]
    fn old_code_runs_on_new_gpus_and_code_of_one_gpu_on_it_alone() {
        assert!(Architecture::parse("80").unwrap().runs_on().ends_with("8.0 and above"));
        assert!(USUAL.runs_on().ends_with("9.0 alone"));
    }
}
