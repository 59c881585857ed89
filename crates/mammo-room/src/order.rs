use crate::{RoomError, SealedCase, Truth};
use mammo_core::ImageId;
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What one step of a reading shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// An image with feedback after the answers.
    Training,
    /// One image: malignancy, then tampering.
    Single,
    /// The two images of a source side by side: which one was altered.
    Pair,
}

impl ItemKind {
    /// The word in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Single => "single",
            Self::Pair => "pair",
        }
    }

    /// The kind of this word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Training, Self::Single, Self::Pair].into_iter().find(|kind| kind.name() == name)
    }
}

/// One step of a reader's way through the study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The sitting, from 1.
    pub session: usize,
    /// What is asked.
    pub kind: ItemKind,
    /// The image, or the left one of a pair.
    pub first: String,
    /// The right one of a pair.
    pub second: Option<String>,
    /// Whether the reader has seen the image before, on purpose.
    pub repeat: bool,
}

/// How often an order is begun again before the gap is given up as impossible.
const ATTEMPTS: usize = 500;

/// The way of `reader` through the study: training, then the sittings, pairs side by side last. Drawn from the seed of
/// the study and the name of the reader. Images of one source are at least `minimum_gap` other images apart, and the
/// two of a pair are in different sittings where there are several.
///
/// # Errors
/// [`RoomError::Plan`] when the gap cannot be kept with so few images.
pub fn reading_order(truth: &Truth, reader: &str) -> Result<Vec<Item>, RoomError> {
    let plan = &truth.plan;
    let mut random = truth.seed.stream(&format!("room/order/{reader}"));
    let single = |case: &SealedCase, session, kind, repeat| Item {
        session,
        kind,
        first: case.id.clone(),
        second: None,
        repeat,
    };
    let mut training: Vec<&SealedCase> = truth.training.iter().collect();
    training.shuffle(&mut random);
    let mut items: Vec<Item> =
        training.into_iter().map(|case| single(case, 1, ItemKind::Training, false)).collect();

    let found = (0..ATTEMPTS).find_map(|_| {
        let sessions = sittings(truth, &mut random);
        spread(&sessions, plan.minimum_gap, &mut random)
    });
    let Some(sessions) = found else {
        return Err(RoomError::Plan(format!(
            "minimum_gap: {} images between two of the same breast cannot be kept with {} images in {} sittings; lower it",
            plan.minimum_gap,
            truth.cases.len() + plan.repeats,
            plan.sessions
        )));
    };
    for (number, session) in sessions.iter().enumerate() {
        items
            .extend(session.iter().map(|&(case, repeat)| single(case, number + 1, ItemKind::Single, repeat)));
    }
    if plan.side_by_side {
        let mut pairs = truth.pairs();
        pairs.shuffle(&mut random);
        for (original, modified) in pairs {
            let (left, right) = if random.random() { (original, modified) } else { (modified, original) };
            items.push(Item {
                session: plan.sessions,
                kind: ItemKind::Pair,
                first: left.id.clone(),
                second: Some(right.id.clone()),
                repeat: false,
            });
        }
    }
    Ok(items)
}

type Shown<'a> = (&'a SealedCase, bool);

/// Which images are in which sitting.
fn sittings<'a>(truth: &'a Truth, random: &mut impl Rng) -> Vec<Vec<Shown<'a>>> {
    let n = truth.plan.sessions;
    let mut cases: Vec<&SealedCase> = truth.cases.iter().collect();
    cases.shuffle(random);
    let mut sessions: Vec<Vec<Shown>> = vec![Vec::new(); n];
    let mut home: BTreeMap<&ImageId, usize> = BTreeMap::new();
    for case in &cases {
        // The emptiest sitting, but for a twin not that of its sibling. Which twin comes first is a fair coin.
        let taken = home.get(&case.case.source).copied().filter(|_| n > 1);
        let least = (0..n).filter(|i| Some(*i) != taken).map(|i| sessions[i].len()).min().unwrap_or(0);
        let open: Vec<usize> = (0..n).filter(|i| Some(*i) != taken && sessions[*i].len() == least).collect();
        let session = *open.choose(random).unwrap_or(&0);
        home.insert(&case.case.source, session);
        sessions[session].push((*case, false));
    }
    let again = cases.choose_multiple(random, truth.plan.repeats).map(|case| (*case, true));
    sessions[n - 1].extend(again);
    sessions
}

/// The sittings in an order that keeps images of one source apart; `None` when the draw runs into a corner.
fn spread<'a>(sessions: &[Vec<Shown<'a>>], gap: usize, random: &mut impl Rng) -> Option<Vec<Vec<Shown<'a>>>> {
    let mut shown: Vec<&ImageId> = Vec::new();
    let mut ordered = Vec::with_capacity(sessions.len());
    for session in sessions {
        let mut left = session.clone();
        let mut order = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let recent = &shown[shown.len().saturating_sub(gap)..];
            // A repeat comes after its first showing.
            let open: Vec<usize> = (0..left.len())
                .filter(|&i| {
                    let (case, repeat) = left[i];
                    let waits = repeat && left.iter().any(|(c, r)| !r && c.id == case.id);
                    !waits && !recent.contains(&&case.case.source)
                })
                .collect();
            // Sources with more images left are pressing: they need room behind them.
            let pressing =
                |i: usize| left.iter().filter(|l| l.0.case.source == left[i].0.case.source).count();
            let pick = *open.choose_weighted(random, |&i| pressing(i).pow(3) as f64).ok()?;
            let item = left.swap_remove(pick);
            shown.push(&item.0.case.source);
            order.push(item);
        }
        ordered.push(order);
    }
    Some(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Plan, draw, draw::tests::sources};
    use mammo_core::Seed;

    fn gap_kept(truth: &Truth, items: &[Item]) -> bool {
        let singles: Vec<_> = items.iter().filter(|i| i.kind == ItemKind::Single).collect();
        let source = |i: usize| &truth.case(&singles[i].first).unwrap().case.source;
        (0..singles.len()).all(|i| {
            (i + 1..singles.len().min(i + 1 + truth.plan.minimum_gap)).all(|j| source(i) != source(j))
        })
    }

    #[test]
    fn every_reader_has_an_order_of_their_own_that_keeps_twins_apart() {
        let mut plan = Plan::named("becker-exp1").unwrap();
        plan.repeats = 6;
        for sessions in [1, 2, 3] {
            plan.sessions = sessions;
            let truth = draw(&plan, &sources(60), Seed(9)).unwrap();
            let orders: Vec<_> =
                ["ann", "ben", "cy"].iter().map(|r| reading_order(&truth, r).unwrap()).collect();
            assert_ne!(orders[0], orders[1]);
            assert_eq!(orders[0], reading_order(&truth, "ann").unwrap());
            for items in &orders {
                assert_eq!(items.len(), 4 + 60 + 6 + 20);
                assert!(gap_kept(&truth, items));
                for item in items.iter().filter(|i| i.kind == ItemKind::Pair) {
                    let of = |id: &str| &truth.case(id).unwrap().case;
                    let (a, b) = (of(&item.first), of(item.second.as_ref().unwrap()));
                    assert!(a.source == b.source && a.arm != b.arm);
                }
                if sessions > 1 {
                    let mut seen = std::collections::BTreeSet::new();
                    let first_look = items.iter().filter(|i| i.kind == ItemKind::Single && !i.repeat);
                    for item in first_look {
                        assert!(seen.insert((item.session, &truth.case(&item.first).unwrap().case.source)));
                    }
                }
                let place = |f: &dyn Fn(&&Item) -> bool| items.iter().position(|i| f(&i)).unwrap();
                for item in items.iter().filter(|i| i.repeat) {
                    let first = place(&|i| i.first == item.first && !i.repeat);
                    assert!(first < place(&|i| i.first == item.first && i.repeat));
                }
            }
        }
    }

    #[test]
    fn neither_the_first_look_nor_the_left_side_tells_the_arm() {
        let truth = draw(&Plan::named("becker-exp1").unwrap(), &sources(60), Seed(2)).unwrap();
        let (mut first, mut left, mut n) = (0, 0, 0);
        for reader in 0..60 {
            let items = reading_order(&truth, &format!("r{reader}")).unwrap();
            let position = |id: &str| items.iter().position(|i| i.first == id && i.kind == ItemKind::Single);
            for (original, modified) in truth.pairs() {
                first += usize::from(position(&original.id) < position(&modified.id));
                left += usize::from(items.iter().any(|i| i.kind == ItemKind::Pair && i.first == original.id));
                n += 1;
            }
        }
        // 1,200 fair coins: five standard errors are 87.
        for heads in [first, left] {
            assert!(heads.abs_diff(n / 2) < 87, "{heads} of {n}");
        }
    }

    #[test]
    fn a_gap_that_cannot_be_kept_is_refused() {
        let mut plan = Plan::named("becker-exp1").unwrap();
        (plan.minimum_gap, plan.sessions) = (200, 1);
        let truth = draw(&plan, &sources(60), Seed(2)).unwrap();
        assert!(reading_order(&truth, "ann").unwrap_err().to_string().contains("minimum_gap"));
    }
}
