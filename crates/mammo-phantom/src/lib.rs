//! Procedural mammograms with counterfactual twins, written as an INbreast release
