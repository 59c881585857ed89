//! What is to be measured on the GPU.

use super::work::Config;
use std::path::PathBuf;

/// How exact the multiplications of convolutions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precision {
    F32,
    Tf32,
    Bf16,
}

impl Precision {
    pub(super) const ALL: [Self; 3] = [Self::F32, Self::Tf32, Self::Bf16];

    /// Its name in options, in the configuration of both programs and in results.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
        }
    }

    /// Bytes that a number of an activation needs at least.
    pub(super) fn bytes(self) -> u64 {
        if self == Self::Bf16 { 2 } else { 4 }
    }
}

/// The ways in which PyTorch takes the step; `torch_step.py` says what each is.
pub(super) const VARIANTS: [&str; 5] = ["eager", "channels_last", "compiled", "graph", "graph_channels_last"];

/// Networks and sizes, by the names that `--only` looks in.
const NETWORKS: [(&str, Config); 3] = [
    (
        "becker 256x256",
        Config { becker: true, height: 256, width: 256, ngf: 32, ndf: 64, blocks: 9, batch: 1 },
    ),
    ("zhu 256x256", Config { becker: false, height: 256, width: 256, ngf: 64, ndf: 64, blocks: 9, batch: 1 }),
    ("zhu 512x408", Config { becker: false, height: 512, width: 408, ngf: 64, ndf: 64, blocks: 9, batch: 1 }),
];

/// The command line after `bench train`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Options {
    pub(super) device: String,
    /// The number in it.
    pub(super) gpu: usize,
    pub(super) pack: Option<PathBuf>,
    pub(super) json: bool,
    pub(super) resume: bool,
    /// Results, a line of JSON each.
    pub(super) out: Option<PathBuf>,
    /// No configuration is begun that would end later.
    pub(super) seconds: Option<f64>,
    /// Turns of us and of each variant.
    pub(super) rounds: usize,
    /// Timed steps of a turn with one image; with more images half as many.
    pub(super) steps: usize,
    only: Option<String>,
    batches: Vec<u64>,
    pub(super) precisions: Vec<Precision>,
    pub(super) variants: Vec<&'static str>,
}

impl Options {
    pub(super) fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self {
            device: String::new(),
            gpu: 0,
            pack: None,
            json: false,
            resume: false,
            out: None,
            seconds: None,
            rounds: 3,
            steps: 40,
            only: None,
            batches: vec![1, 8],
            precisions: Precision::ALL.to_vec(),
            variants: VARIANTS.to_vec(),
        };
        let mut args = args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} wants a value"));
            match arg {
                "--json" => options.json = true,
                "--resume" => options.resume = true,
                "--quick" => {
                    options.rounds = 1;
                    options.steps = 10;
                    options.batches = vec![1];
                    options.only = Some("becker 256x256".to_owned());
                }
                "--device" => value()?.clone_into(&mut options.device),
                "--pack" => options.pack = Some(crate::cuda::here(value()?)?),
                "--out" => options.out = Some(crate::cuda::here(value()?)?),
                "--only" => options.only = Some(value()?.to_owned()),
                "--seconds" => options.seconds = Some(number(arg, value()?)?),
                "--rounds" => options.rounds = number::<usize>(arg, value()?)?.max(1),
                "--batch" => {
                    options.batches =
                        list(arg, value()?, |text| text.parse().ok().filter(|&batch| batch > 0))?;
                }
                "--precision" => {
                    options.precisions = list(arg, value()?, |text| {
                        Precision::ALL.into_iter().find(|one| one.name() == text)
                    })?;
                }
                "--variant" => {
                    options.variants =
                        list(arg, value()?, |text| VARIANTS.into_iter().find(|&one| one == text))?;
                }
                _ => return Err(format!("{arg} is no option of bench train --device: see bench --help")),
            }
        }
        options.gpu = options
            .device
            .strip_prefix("cuda:")
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| format!("--device {} is neither cpu nor cuda:N", options.device))?;
        if options.resume && options.out.is_none() {
            return Err("--resume goes on with the file of --out, which is missing".to_owned());
        }
        if options.configs().is_empty() {
            return Err(format!(
                "--only {} is in no name: {}",
                options.only.unwrap_or_default(),
                NETWORKS.map(|(name, _)| name).join(", ")
            ));
        }
        Ok(options)
    }

    /// Name and description of everything to be measured, in each precision.
    pub(super) fn configs(&self) -> Vec<(String, Config)> {
        let only = self.only.as_deref().unwrap_or_default();
        let chosen = NETWORKS.into_iter().filter(|(name, _)| name.contains(only));
        let each =
            chosen.flat_map(|(name, config)| self.batches.iter().map(move |&batch| (name, batch, config)));
        each.map(|(name, batch, config)| (format!("{name} batch {batch}"), Config { batch, ..config }))
            .collect()
    }
}

fn number<T: std::str::FromStr>(option: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{option} wants a number, not {text}"))
}

fn list<T>(option: &str, text: &str, one: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    text.split(',').map(|word| one(word).ok_or_else(|| format!("{option} does not know {word}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options, String> {
        Options::parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn everything_is_measured_unless_told_otherwise() {
        let options = parse("--device cuda:1").unwrap();
        assert_eq!((options.gpu, options.configs().len(), options.precisions.len()), (1, 6, 3));
        let names: Vec<String> = options.configs().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names[1], "becker 256x256 batch 8");
    }

    #[test]
    fn parts_can_be_chosen() {
        let options =
            parse("--device cuda:0 --only zhu --batch 4 --precision tf32,bf16 --variant graph").unwrap();
        assert_eq!(options.configs().len(), 2);
        assert!(options.configs().iter().all(|(_, config)| config.batch == 4 && !config.becker));
        assert_eq!(options.precisions, [Precision::Tf32, Precision::Bf16]);
        assert_eq!(options.variants, ["graph"]);
        assert_eq!(parse("--device cuda:0 --quick").unwrap().configs().len(), 1);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, word) in [
            ("--device gpu", "gpu"),
            ("--device cuda:0 --batch 0", "--batch"),
            ("--device cuda:0 --variant fast", "fast"),
            ("--device cuda:0 --only moon", "becker"),
            ("--device cuda:0 --resume", "--out"),
            ("--device cuda:0 --rounds", "--rounds"),
            ("--device cuda:0 --color", "--color"),
        ] {
            assert!(parse(line).unwrap_err().contains(word), "{line}");
        }
    }
}
