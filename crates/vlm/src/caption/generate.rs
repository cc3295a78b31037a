//! From a photo's memory to a sentence: greedy, beam search and nucleus sampling.

use std::ops::ControlFlow;

use burn::tensor::{Device, Int, Tensor};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::decoder::{Decoder, Memory, Written};
use super::grammar::Grammar;
use super::vocabulary::START;

/// How sentences are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    /// Sentences kept side by side; 1 is greedy.
    pub beam: usize,
    /// Exponent of the length that a sentence's log-probability is divided by: above 0 favours longer ones.
    pub length_penalty: f32,
    /// Longest sentence in words.
    pub max_words: usize,
    /// Longest sentence in tokens, of which a word may take several.
    pub max_tokens: usize,
    /// Draws tokens instead of taking the likeliest; the beam is 1 then.
    pub sampling: Option<Sampling>,
}

/// Nucleus sampling (Holtzman et al. 2020, arXiv:1904.09751).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// The same seed gives the same sentence.
    pub seed: u64,
    /// Tokens are drawn from the likeliest ones that have this much probability together.
    pub top_p: f32,
    /// Divides the log-probabilities: below 1 is more careful.
    pub temperature: f32,
}

impl Default for Search {
    fn default() -> Self {
        Self { beam: 3, length_penalty: 0.7, max_words: 24, max_tokens: 40, sampling: None }
    }
}

/// A sentence in tokens, without start and end.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sentence {
    /// Token ids.
    pub tokens: Vec<i32>,
    /// Natural logarithm of each token's probability, given those before.
    pub log_probabilities: Vec<f32>,
}

/// Tokens that are looked at besides those that are wanted, since some may not follow.
const LOOKED_AT_BESIDES: usize = 16;

/// What gives the next token's probabilities, with all it keeps of the rows written so far. There is a row for each
/// sentence under way, those of a photo side by side.
pub trait NextToken {
    /// Log-probabilities of the token after `last`, the last of each row, `[rows, vocabulary]` row by row; none before a
    /// row's first token.
    fn next(&mut self, last: &[Option<i32>]) -> Vec<f32>;

    /// Keeps the rows `parents`, in that order; one may be taken twice.
    fn select(&mut self, parents: &[i32]);
}

/// Which tokens may follow what a sentence says already.
pub trait Rules {
    /// What is known of a sentence under way.
    type Said: Clone + Default + std::fmt::Debug;

    /// Whether an end counts only among the likeliest tokens, as many as the beam: transformers has it so, and greedy then
    /// is to take the likeliest. Otherwise it counts among twice as many.
    const ENDS_WITHIN_BEAM: bool;

    /// Adds a token to what was said.
    fn append(&self, said: &mut Self::Said, token: i32);

    /// Whether `token` may follow.
    fn allows(&self, said: &Self::Said, token: i32) -> bool;

    /// Whether `token` ends a sentence.
    fn ends(&self, token: i32) -> bool;
}

/// A sentence that may go on.
#[derive(Debug, Clone)]
struct Draft<S> {
    sentence: Sentence,
    sum: f32,
    said: S,
}

impl<S: Clone> Draft<S> {
    fn with(&self, token: i32, log_probability: f32, rules: &impl Rules<Said = S>) -> Self {
        let mut next = self.clone();
        next.sentence.tokens.push(token);
        next.sentence.log_probabilities.push(log_probability);
        next.sum += log_probability;
        rules.append(&mut next.said, token);
        next
    }
}

/// What is known of one photo's sentences.
#[derive(Debug, Clone)]
struct Photo<S> {
    /// Sentences that go on, best first; as many as the beam, or none when the photo is done.
    drafts: Vec<Draft<S>>,
    /// The best finished sentence and its score.
    best: Option<(f32, Sentence)>,
    finished: usize,
}

/// The bundled decoder at work.
struct Decoding<'a> {
    decoder: &'a Decoder,
    memory: &'a Memory,
    written: Written,
    device: &'a Device,
}

impl NextToken for Decoding<'_> {
    fn next(&mut self, last: &[Option<i32>]) -> Vec<f32> {
        let last: Vec<i32> = last.iter().map(|token| token.unwrap_or(START)).collect();
        floats(self.decoder.next(ints(&last, self.device), self.memory, &mut self.written))
    }

    fn select(&mut self, parents: &[i32]) {
        self.written = std::mem::take(&mut self.written).select(ints(parents, self.device));
    }
}

/// Writes a sentence for each of `photos` of `memory`. `pieces` are the texts of the tokens; one that begins a word
/// begins with a space.
///
/// After each token `told` hears of the likeliest sentences so far and may stop the work: then they are given back.
pub fn write(
    decoder: &Decoder,
    memory: &Memory,
    photos: usize,
    search: &Search,
    pieces: &[String],
    device: &Device,
    told: impl FnMut(&[&Sentence]) -> ControlFlow<()>,
) -> Vec<Sentence> {
    let mut decoding = Decoding { decoder, memory, written: Written::default(), device };
    generate(&mut decoding, &Grammar::new(pieces, search.max_words), photos, search, told)
}

/// Writes a sentence for each of `photos` with what `network` says of the next token, by `rules`.
///
/// After each token `on_token` hears of the likeliest sentences so far and may stop the work: then they are given back.
pub fn generate<R: Rules>(
    network: &mut impl NextToken,
    rules: &R,
    photos: usize,
    search: &Search,
    mut on_token: impl FnMut(&[&Sentence]) -> ControlFlow<()>,
) -> Vec<Sentence> {
    let beam = if search.sampling.is_some() { 1 } else { search.beam.max(1) };
    let mut random = search.sampling.map(|sampling| StdRng::seed_from_u64(sampling.seed));
    let begun = || Draft { sentence: Sentence::default(), sum: 0.0, said: R::Said::default() };
    let mut state: Vec<Photo<R::Said>> =
        (0..photos).map(|_| Photo { drafts: vec![begun()], best: None, finished: 0 }).collect();
    let mut rows = 1; // sentences of a photo: one at first, then the beam
    for _ in 0..search.max_tokens {
        let last: Vec<Option<i32>> = state
            .iter()
            .flat_map(|photo| (0..rows).map(|i| photo.drafts.get(i).and_then(|d| d.sentence.tokens.last().copied())))
            .collect();
        let table = network.next(&last);
        let vocabulary = table.len() / last.len().max(1);
        let mut parents = Vec::with_capacity(photos * beam);
        for (index, photo) in state.iter_mut().enumerate() {
            let table = &table[index * rows * vocabulary..(index + 1) * rows * vocabulary];
            let chosen = match (&mut random, search.sampling) {
                (Some(random), Some(sampling)) => photo.draw(table, &sampling, rules, random),
                _ => photo.extend(table, vocabulary, search, beam, rules),
            };
            parents.extend((0..beam).map(|i| (index * rows + chosen.get(i).copied().unwrap_or(0)) as i32));
        }
        if beam > 1 {
            network.select(&parents);
        }
        rows = beam;
        let done = state.iter().all(|photo| photo.drafts.is_empty());
        let stop = on_token(&state.iter().map(Photo::likeliest).collect::<Vec<_>>()).is_break();
        if done || stop {
            break;
        }
    }
    state
        .iter()
        .map(|photo| photo.best.as_ref().map_or_else(|| photo.likeliest().clone(), |(_, best)| best.clone()))
        .collect()
}

impl<S: Clone> Photo<S> {
    /// The sentence to show while others may still win.
    fn likeliest(&self) -> &Sentence {
        const NOTHING: &Sentence = &Sentence { tokens: Vec::new(), log_probabilities: Vec::new() };
        let draft = self.drafts.first().map(|draft| &draft.sentence);
        draft.or(self.best.as_ref().map(|(_, best)| best)).unwrap_or(NOTHING)
    }

    /// One token further, keeping the `beam` likeliest; gives the row that each new draft continues.
    fn extend<R: Rules<Said = S>>(
        &mut self,
        table: &[f32],
        vocabulary: usize,
        search: &Search,
        beam: usize,
        rules: &R,
    ) -> Vec<usize> {
        // Each draft can end in one way only: twice the beam leaves a beam that goes on.
        let mut candidates: Vec<(f32, usize, i32)> = Vec::new();
        for (row, draft) in self.drafts.iter().enumerate() {
            let own = &table[row * vocabulary..(row + 1) * vocabulary];
            candidates.extend(
                likeliest(rules, draft, own, 2 * beam)
                    .into_iter()
                    .map(|token| (draft.sum + own[token as usize], row, token)),
            );
        }
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
        candidates.truncate(2 * beam);
        let (mut drafts, mut parents) = (Vec::new(), Vec::new());
        for (rank, (sum, row, token)) in candidates.into_iter().enumerate() {
            if rules.ends(token) {
                if rank < beam || !R::ENDS_WITHIN_BEAM {
                    self.finish(row, sum, search.length_penalty);
                }
            } else if drafts.len() < beam {
                drafts.push(self.drafts[row].with(token, table[row * vocabulary + token as usize], rules));
                parents.push(row);
            }
        }
        self.drafts = if self.finished >= beam { Vec::new() } else { drafts };
        parents
    }

    fn finish(&mut self, row: usize, sum: f32, penalty: f32) {
        let sentence = &self.drafts[row].sentence;
        let score = sum / ((sentence.tokens.len() + 1) as f32).powf(penalty);
        self.finished += 1;
        if self.best.as_ref().is_none_or(|(best, _)| score > *best) {
            self.best = Some((score, sentence.clone()));
        }
    }

    /// One token further, drawn at random.
    fn draw(
        &mut self,
        table: &[f32],
        sampling: &Sampling,
        rules: &impl Rules<Said = S>,
        random: &mut StdRng,
    ) -> Vec<usize> {
        let Some(draft) = self.drafts.first() else { return Vec::new() };
        let mut order = likeliest(rules, draft, table, table.len());
        let weight = |token: i32| (table[token as usize] / sampling.temperature.max(1e-3)).exp();
        let total: f32 = order.iter().map(|&token| weight(token)).sum();
        let mut mass = 0.0;
        let kept = order.iter().take_while(|&&token| {
            let before = mass;
            mass += weight(token) / total;
            before < sampling.top_p
        });
        let kept = kept.count().max(1);
        order.truncate(kept);
        let mut at = random.random_range(0.0..1.0) * order.iter().map(|&token| weight(token)).sum::<f32>();
        let token = order.iter().copied().find(|&token| {
            at -= weight(token);
            at < 0.0
        });
        let token = token.unwrap_or(order[0]);
        if rules.ends(token) {
            self.best = Some((draft.sum, draft.sentence.clone()));
            self.drafts.clear();
        } else {
            self.drafts = vec![draft.with(token, table[token as usize], rules)];
        }
        vec![0]
    }
}

/// The `count` likeliest tokens of a row that may follow `draft`, best first.
fn likeliest<R: Rules>(rules: &R, draft: &Draft<R::Said>, row: &[f32], count: usize) -> Vec<i32> {
    let falling = |a: &i32, b: &i32| row[*b as usize].total_cmp(&row[*a as usize]);
    // Few tokens are not allowed: mostly the first look is enough.
    let mut looked_at = count.saturating_add(LOOKED_AT_BESIDES).min(row.len());
    loop {
        let mut order: Vec<i32> = (0..row.len() as i32).collect();
        if looked_at < order.len() {
            order.select_nth_unstable_by(looked_at, falling);
            order.truncate(looked_at);
        }
        order.retain(|&token| rules.allows(&draft.said, token));
        if order.len() >= count || looked_at == row.len() {
            order.sort_unstable_by(falling);
            order.truncate(count);
            return order;
        }
        looked_at = (2 * looked_at).min(row.len());
    }
}

pub(crate) fn ints(values: &[i32], device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(values, device)
}

/// The numbers of a table, row by row; none where the device failed.
pub(crate) fn floats(table: Tensor<2>) -> Vec<f32> {
    table.into_data().convert::<f32>().try_to_vec::<f32>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caption::decoder::DecoderConfig;
    use crate::caption::vocabulary::{END, MASK};
    use burn::module::{Module, ModuleMapper, Param};
    use burn::tensor::TensorData;
    use std::sync::OnceLock;

    const WORDS: usize = 12;
    /// From here on tokens are telling words, which are said once.
    const TELLING: i32 = 10;

    /// Random numbers of our own: burn's are shared with the tests that run beside these.
    struct Random(StdRng);

    impl Random {
        fn tensor<const D: usize>(&mut self, shape: [usize; D], scale: f32) -> Tensor<D> {
            let count = shape.iter().product();
            let values: Vec<f32> = (0..count).map(|_| self.0.random_range(-scale..scale)).collect();
            Tensor::from_data(TensorData::new(values, shape), &Device::flex())
        }
    }

    impl ModuleMapper for Random {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let shape = param.val().dims();
            // The gains of norms stay near 1.
            let value = if D == 1 { self.tensor(shape, 0.3) + 1.0 } else { self.tensor(shape, 0.7) };
            param.map(|_| value)
        }
    }

    /// A small decoder that has not learned anything, and two photos for it.
    fn world() -> (Decoder, Memory, Device) {
        static WORLD: OnceLock<(Decoder, Memory)> = OnceLock::new();
        let device = Device::flex();
        let (decoder, memory) = WORLD.get_or_init(|| {
            let config = DecoderConfig::new()
                .with_vocabulary(WORDS)
                .with_longest(10)
                .with_width(16)
                .with_hidden(24)
                .with_heads(2)
                .with_layers(2)
                .with_features(5)
                .with_positions(4)
                .with_shared(6);
            let device = Device::flex();
            let mut random = Random(StdRng::seed_from_u64(7));
            let mut decoder = config.init(&device).map(&mut random);
            // A logit of 0: the end is neither sure nor out of the question.
            let end = END as usize;
            decoder.word.weight =
                decoder.word.weight.map(|w| w.slice_assign([end..end + 1, 0..16], Tensor::zeros([1, 16], &device)));
            let memory = decoder.read(random.tensor([2, 4, 5], 3.0), random.tensor([2, 6], 3.0), None);
            (decoder, memory)
        });
        (decoder.clone(), memory.clone(), device)
    }

    fn search(beam: usize, max_tokens: usize) -> Search {
        Search { beam, length_penalty: 0.0, max_words: 30, max_tokens, sampling: None }
    }

    /// A search that draws from all tokens, the unlikely ones too.
    fn sampled(seed: u64, max_tokens: usize) -> Search {
        Search { sampling: Some(Sampling { seed, top_p: 1.0, temperature: 2.0 }), ..search(1, max_tokens) }
    }

    /// Each token is a word of its own; the first of them may be said again, the last two are telling.
    fn pieces() -> Vec<String> {
        let special = ["<pad>", "<start>", "<end>", "<unknown>", "<mask>"].map(String::from);
        let own = ["black", "white", "red", "blue", "green", "dog", "cat"].map(|word| format!(" {word}"));
        special.into_iter().chain(own).collect()
    }

    fn run(search: &Search) -> Vec<Sentence> {
        let (decoder, memory, device) = world();
        write(&decoder, &memory, 2, search, &pieces(), &device, |_| ControlFlow::Continue(()))
    }

    /// Log-probabilities of a sentence and its end, all tokens at once and without a cache.
    fn scored(photo: usize, tokens: &[i32]) -> Vec<f32> {
        let (decoder, memory, device) = world();
        let ids: Vec<i32> = [&[START], tokens].concat();
        let both = [ids.clone(), ids.clone()].concat();
        let ids = Tensor::<1, Int>::from_data(both.as_slice(), &device).reshape([2, ids.len()]);
        let states = decoder.states(ids, &memory, None).narrow(0, photo, 1).squeeze_dim::<2>(0);
        let logits = states.matmul(decoder.word.weight.val().transpose());
        let table = burn::tensor::activation::log_softmax(logits, 1).into_data().try_to_vec::<f32>().unwrap();
        let targets = [tokens, &[END]].concat();
        targets.iter().enumerate().map(|(i, &target)| table[i * WORDS + target as usize]).collect()
    }

    #[test]
    fn the_cache_gives_the_probabilities_of_the_whole_sentence() {
        let mut compared = 0;
        for search in [search(1, 7), search(3, 7)].into_iter().chain((0..5).map(|seed| sampled(seed, 7))) {
            for (photo, sentence) in run(&search).iter().enumerate() {
                let want = scored(photo, &sentence.tokens);
                compared += sentence.log_probabilities.len();
                for (got, want) in sentence.log_probabilities.iter().zip(want) {
                    assert!((got - want).abs() < 1e-4, "{search:?}: {got} {want}");
                }
            }
        }
        assert!(compared > 8, "{compared} tokens say little");
    }

    #[test]
    fn a_beam_as_wide_as_all_sentences_finds_the_likeliest() {
        // All sentences of at most two different tokens, by brute force.
        let words: Vec<i32> = (5..WORDS as i32).collect();
        let mut all: Vec<Vec<i32>> = vec![vec![]];
        all.extend(words.iter().map(|&a| vec![a]));
        all.extend(words.iter().flat_map(|&a| words.iter().filter(move |&&b| b != a).map(move |&b| vec![a, b])));
        for (photo, got) in run(&search(60, 3)).iter().enumerate() {
            let total = |tokens: &Vec<i32>| scored(photo, tokens).iter().sum::<f32>();
            let best = all.iter().max_by(|a, b| total(a).total_cmp(&total(b))).unwrap();
            assert_eq!(got.tokens, *best);
        }
    }

    #[test]
    fn samples_are_those_of_their_seed_and_of_the_nucleus() {
        let sampling = |seed, top_p| Sampling { seed, top_p, temperature: 1.0 };
        let with = |sampling| Search { sampling: Some(sampling), ..search(1, 8) };
        assert_eq!(run(&with(sampling(1, 0.9))), run(&with(sampling(1, 0.9))));
        let different = (2..12).filter(|&seed| run(&with(sampling(seed, 0.9))) != run(&with(sampling(1, 0.9))));
        assert!(different.count() > 5);
        // A nucleus of next to nothing is the likeliest token. A search also ends where the end is second.
        let narrow = run(&with(sampling(5, 1e-6)));
        assert_eq!(narrow, run(&with(sampling(6, 1e-6))));
        for (narrow, greedy) in narrow.iter().zip(run(&search(1, 8))) {
            assert!(!greedy.tokens.is_empty() && narrow.tokens.starts_with(&greedy.tokens), "{narrow:?} {greedy:?}");
        }
    }

    #[test]
    fn no_way_of_writing_says_a_telling_word_twice() {
        let (mut repeated, mut tokens) = (0, 0);
        for search in [search(1, 9), search(3, 9)].into_iter().chain((0..20).map(|seed| sampled(seed, 9))) {
            for Sentence { tokens: written, .. } in run(&search) {
                tokens += written.len();
                for (at, token) in written.iter().enumerate() {
                    let again = written[..at].contains(token);
                    assert!(!again || *token < TELLING, "{written:?}");
                    repeated += usize::from(again);
                }
            }
        }
        assert!(tokens > 100 && repeated > 0, "{tokens} tokens and {repeated} repeated ones say little");
    }

    #[test]
    fn no_more_words_are_written_than_asked_for_and_special_tokens_never() {
        let limit = Search { max_words: 2, ..search(3, 8) };
        for sentence in run(&limit).iter().chain(&run(&search(3, 8))) {
            assert!(sentence.tokens.iter().all(|&token| token > MASK), "{:?}", sentence.tokens);
        }
        assert!(run(&limit).iter().all(|sentence| sentence.tokens.len() <= 2));
    }

    #[test]
    fn breaking_off_gives_what_is_there() {
        let (decoder, memory, device) = world();
        let mut heard = 0;
        let got = write(&decoder, &memory, 2, &search(3, 8), &pieces(), &device, |sentences| {
            heard += 1;
            assert!(sentences.iter().all(|sentence| sentence.tokens.len() <= heard));
            if heard == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(heard, 2);
        assert!(got.iter().all(|sentence| sentence.tokens.len() <= 2));
    }
}
