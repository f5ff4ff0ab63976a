//! Which parameters of a network take part in training, gradients and differences.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::parameters::named_tensors;
use whence_base::{Error, Result};

/// The parameters that are trained and stored. The others get no gradient and no optimizer state, keep their values to
/// the last bit, and are not part of a difference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ParameterSelection {
    /// Every parameter.
    #[default]
    All,
    /// Parameters whose name, as in diffusers' files, matches at least one pattern. A pattern is a whole name, the name of
    /// a module, which stands for everything in it (`mid_block`), or contains `*` for any characters
    /// (`*.attentions.*.to_q.weight`).
    Matching(Vec<String>),
}

impl ParameterSelection {
    /// Whether the parameter of this name is selected.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Matching(patterns) => patterns.iter().any(|pattern| matches(pattern, name)),
        }
    }

    /// Checks that each pattern selects a parameter of this network.
    ///
    /// # Errors
    /// A pattern that selects nothing, by name, and a selection without patterns.
    pub fn check(&self, network: &impl Module) -> Result<()> {
        let Self::Matching(patterns) = self else { return Ok(()) };
        let refuse = |what: String| {
            Err(Error::input(what, "parameter selection", "give names as they stand in the model's safetensors file"))
        };
        if patterns.is_empty() {
            return refuse("no parameters are selected".into());
        }
        let parameters = named_tensors(network);
        for pattern in patterns {
            if !parameters.iter().any(|p| matches(pattern, &p.name)) {
                return refuse(format!("\"{pattern}\" matches no parameter of the network"));
            }
        }
        Ok(())
    }

    /// For each parameter, in the order of the tree, whether it is selected.
    pub(crate) fn mask(&self, network: &impl Module) -> Vec<bool> {
        named_tensors(network).iter().map(|p| self.contains(&p.name)).collect()
    }

    /// A network in training in which parameters that are not selected record no gradient.
    pub(crate) fn freeze_others<M: Module>(&self, network: M) -> M {
        if *self == Self::All {
            return network;
        }
        struct Freeze(std::vec::IntoIter<bool>);
        impl ModuleMapper for Freeze {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                let selected = self.0.next();
                debug_assert!(selected.is_some(), "one entry per parameter");
                if selected == Some(true) { param } else { param.set_require_grad(false) }
            }
        }
        let mask = self.mask(&network);
        network.map(&mut Freeze(mask.into_iter()))
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, others)) = pattern.split_once('*') else {
        return name.strip_prefix(pattern).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    };
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let (middle, last) = others.rsplit_once('*').unwrap_or(("", others));
    for part in middle.split('*') {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_network::TwoLayers;

    #[test]
    fn patterns_are_names_modules_or_contain_stars() {
        let name = "mid_block.attentions.0.to_q.weight";
        for pattern in ["mid_block", "mid_block.attentions.0", name, "*", "*to_q*", "mid*.weight", "*.to_q.weight*"] {
            assert!(matches(pattern, name), "{pattern}");
        }
        for pattern in ["", "mid", "mid_block.attention", "to_q.weight", "*to_k*", "mid*.bias", "*weightweight"] {
            assert!(!matches(pattern, name), "{pattern}");
        }
        assert!(matches("a*ab", "aab") && matches("a*b*b", "abb") && !matches("ab*b", "ab"));
    }

    #[test]
    fn a_pattern_that_selects_nothing_is_refused() {
        let network = TwoLayers::random(1);
        let select = |patterns: &[&str]| ParameterSelection::Matching(patterns.iter().map(|p| (*p).into()).collect());
        assert!(select(&["first"]).check(&network).is_ok() && ParameterSelection::All.check(&network).is_ok());
        assert!(select(&[]).check(&network).is_err());
        let error = select(&["first", "third"]).check(&network).unwrap_err();
        assert!(error.to_string().contains("third"), "{error}");
    }
}
