//! The networks of the study's variants against PyTorch, in double precision (`tests/golden/variants/make.py`), and weights under
//! pytorch-CycleGAN's names there and back.

use candle_core::{DType, Device, Tensor, Var};
use mammo_core::{Seed, Stream};
use mammo_models::{
    Discriminator, DiscriminatorConfig, GeneratorConfig, Parameters, ResnetGenerator, Upsampling,
};
use std::collections::HashMap;

type Tensors = HashMap<String, Tensor>;

fn read(name: &str) -> Tensors {
    let path = format!("{}/golden/variants/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
    candle_core::safetensors::load(path, &Device::Cpu).unwrap()
}

fn below(tensors: &Tensors, prefix: &str) -> Tensors {
    let cut = |name: &String| name.strip_prefix(prefix).map(str::to_owned);
    tensors.iter().filter_map(|(name, tensor)| Some((cut(name)?, tensor.clone()))).collect()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn largest_difference(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.dims(), b.dims());
    values(a).iter().zip(values(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn random() -> Stream {
    Seed(1).stream("variants")
}

fn generator(config: &GeneratorConfig) -> ResnetGenerator {
    ResnetGenerator::new(config, &mut random(), DType::F64, &Device::Cpu).unwrap()
}

fn discriminator(config: &DiscriminatorConfig) -> Discriminator {
    Discriminator::new(config, &mut random(), DType::F64, &Device::Cpu).unwrap()
}

/// Outputs and gradients of a network that has taken the file's weights.
fn agrees(file: &str, parameters: &Parameters, forward: impl Fn(&Tensor) -> Tensor) {
    let golden = read(file);
    parameters.load(&below(&golden, "weights.")).unwrap();
    let x = Var::from_tensor(&golden["input"]).unwrap();
    let y = forward(&x);
    let difference = largest_difference(&y, &golden["output"]);
    assert!(difference < 1e-10, "{file}: {difference:e}");
    let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
    let mut compared = 0;
    for (name, expected) in below(&golden, "gradient.") {
        let ours = if name == "input" { x.as_tensor() } else { parameters.get(&name).unwrap().as_tensor() };
        let size = values(&expected).into_iter().map(f64::abs).fold(0.0, f64::max);
        let difference = largest_difference(gradients.get(ours).unwrap(), &expected);
        // Biases in front of a norm have no gradient but rounding.
        assert!(difference < 1e-8 * size.max(1.0), "{file} {name}: {difference:e} of {size:e}");
        compared += 1;
    }
    assert!(compared > 10, "{file}: {compared} gradients");
}

#[test]
fn experiment_2_agrees_with_pytorch_through_its_spectral_norms() {
    let network = generator(&GeneratorConfig::becker2(2, 1));
    agrees("becker2", network.parameters(), |x| network.forward(x).unwrap());
    let network = discriminator(&DiscriminatorConfig::becker2(2));
    agrees("becker2_discriminator", network.parameters(), |x| network.forward(x).unwrap());
}

#[test]
fn anti_aliased_upsampling_agrees_with_pytorch() {
    let config = GeneratorConfig {
        upsampling: Upsampling::Blur,
        spectral_norm: false,
        ..GeneratorConfig::becker2(2, 1)
    };
    let network = generator(&config);
    agrees("blur", network.parameters(), |x| network.forward(x).unwrap());
}

#[test]
fn weights_of_pytorch_cyclegan_do_here_what_they_do_there_and_go_back_unchanged() {
    let unchanged = |ours: &Tensors, theirs: &Tensors| {
        assert_eq!(ours.len(), theirs.len());
        assert!(theirs.iter().all(|(name, tensor)| largest_difference(&ours[name], tensor) == 0.0));
    };
    let golden = read("pytorch_resnet");
    let weights = below(&golden, "weights.");
    let network = generator(&GeneratorConfig::zhu(2, 2));
    network.load_pytorch(&weights).unwrap();
    assert!(largest_difference(&network.forward(&golden["input"]).unwrap(), &golden["output"]) < 1e-10);
    unchanged(&network.to_pytorch().unwrap(), &weights);
    for (file, config) in
        [("pytorch_patch", DiscriminatorConfig::zhu(2)), ("pytorch_pixel", DiscriminatorConfig::pixel(3))]
    {
        let golden = read(file);
        let weights = below(&golden, "weights.");
        let network = discriminator(&config);
        network.load_pytorch(&weights).unwrap();
        let difference = largest_difference(&network.forward(&golden["input"]).unwrap(), &golden["output"]);
        assert!(difference < 1e-10, "{file}: {difference:e}");
        unchanged(&network.to_pytorch().unwrap(), &weights);
    }
}
