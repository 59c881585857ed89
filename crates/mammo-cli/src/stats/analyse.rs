use super::{
    args::{AnalyseArgs, Covariance, Method},
    plot, print, read,
};
use anyhow::{bail, ensure};
use mammo_readout::{
    Interval,
    mrmc::{
        BootstrapSettings, CovarianceMethod, FigureOfMerit, GallasSettings, MrmcSettings, Study, bootstrap,
        compare_with_standalone, dorfman_berbaum_metz, gallas, obuchowski_rockette,
    },
    summary::{Summary, single_reader},
};

/// `mammo stats analyse`.
pub(super) fn run(args: &AnalyseArgs) -> anyhow::Result<()> {
    let mut study = read(&args.file, args.format, &args.table)?.study;
    if let Some(names) = &args.compare {
        ensure!(names.len() == 2, "--compare needs two treatments, A,B");
        study = study.select_treatments(&[&names[0], &names[1]])?;
    }
    if let Some(name) = &args.truth_name {
        study = study.with_truth_name(name);
    }
    let mut summary = summary(args, &study)?;
    if let Some(margin) = args.margin {
        summary = summary.with_margin(margin)?;
    }
    if let Some(folder) = &args.plots {
        plot::write_all(&study, folder, args.level)?;
    }
    if args.json {
        print(&(serde_json::to_string_pretty(&summary.json())? + "\n"))
    } else {
        print(&summary.text())
    }
}

fn summary(args: &AnalyseArgs, study: &Study) -> anyhow::Result<Summary> {
    let settings = MrmcSettings {
        fom: args.fom,
        covariance: match args.covariance {
            Covariance::Jackknife => CovarianceMethod::Jackknife,
            Covariance::Delong => CovarianceMethod::DeLong,
            Covariance::Unbiased => CovarianceMethod::Unbiased,
        },
        level: args.level,
        constant: args.constant,
    };
    if let Some(reader) = &args.standalone {
        return Ok(Summary::standalone(&compare_with_standalone(study, reader, settings)?));
    }
    Ok(match args.method {
        Method::Or => Summary::obuchowski_rockette(&obuchowski_rockette(study, settings)?),
        Method::Dbm => Summary::dorfman_berbaum_metz(&dorfman_berbaum_metz(study, settings)?),
        Method::Gallas => {
            let settings = GallasSettings {
                fom: args.fom,
                level: args.level,
                constant: args.constant,
                ..GallasSettings::default()
            };
            Summary::gallas(&gallas(study, settings)?)
        }
        Method::Delong | Method::Bootstrap if args.fom != FigureOfMerit::Auc => {
            bail!("this method is for the AUC alone; use --method or or dbm for the {}", args.fom.name())
        }
        Method::Delong => {
            let interval = Interval { level: args.level, ..Interval::default() };
            Summary::single_reader(&single_reader(study, interval)?, interval)?
        }
        Method::Bootstrap => {
            let settings = BootstrapSettings {
                replicates: args.replicates,
                seed: args.seed,
                level: args.level,
                ..BootstrapSettings::default()
            };
            Summary::bootstrap(&bootstrap(study, settings)?)
        }
    })
}
