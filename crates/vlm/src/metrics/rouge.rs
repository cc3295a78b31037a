//! ROUGE-L (Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries").

/// The weight of recall against precision that the COCO tools chose.
const BETA: f64 = 1.2;

/// Mean sentence-level ROUGE-L of tokenised captions (Lin 2004), with beta 1.2.
///
/// Follows the COCO tools: the best precision and the best recall are taken over the references separately, and may
/// come from two different ones. They also take an empty caption as one empty word, so an empty candidate matches
/// an empty reference and nothing else. An image without references scores zero.
pub fn rouge_l(references: &[Vec<Vec<String>>], candidates: &[Vec<String>]) -> f64 {
    let total: f64 = references.iter().zip(candidates).map(|(refs, candidate)| image_score(refs, candidate)).sum();
    if candidates.is_empty() { 0.0 } else { total / candidates.len() as f64 }
}

fn image_score(references: &[Vec<String>], candidate: &[String]) -> f64 {
    let candidate = words(candidate);
    let mut precision = 0.0f64;
    let mut recall = 0.0f64;
    for reference in references {
        let reference = words(reference);
        let common = common_subsequence(&reference, &candidate) as f64;
        precision = precision.max(common / candidate.len() as f64);
        recall = recall.max(common / reference.len() as f64);
    }
    if precision == 0.0 || recall == 0.0 {
        return 0.0;
    }
    let weight = BETA * BETA;
    (1.0 + weight) * precision * recall / (recall + weight * precision)
}

/// The words of a caption; one empty word for an empty caption, as Python splits an empty string at spaces.
fn words(tokens: &[String]) -> Vec<&str> {
    if tokens.is_empty() { vec![""] } else { tokens.iter().map(String::as_str).collect() }
}

/// The length of the longest common subsequence.
fn common_subsequence(left: &[&str], right: &[&str]) -> usize {
    let mut lengths = vec![0; right.len() + 1];
    for a in left {
        let mut diagonal = 0;
        for (column, b) in right.iter().enumerate() {
            let above = lengths[column + 1];
            lengths[column + 1] = if a == b { diagonal + 1 } else { above.max(lengths[column]) };
            diagonal = above;
        }
    }
    lengths[right.len()]
}
