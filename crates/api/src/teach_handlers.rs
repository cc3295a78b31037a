//! The commands of teaching: each is a call or two of the engine.

use sightline_engine::teach::{
    ActivateJob, Plan, Source, TeachJob, TeachOptions, TeachReport as Report, VersionSummary,
};
use sightline_engine::{Depth, PhotoId};

use crate::desk::job_row;
use crate::grants::Purpose;
use crate::teach_types::*;
use crate::types::JobRow;
use crate::{Desk, ErrorReply};

type Reply<T> = Result<T, ErrorReply>;

#[allow(missing_docs, reason = "named and documented in the list of commands and their types")]
impl Desk {
    pub fn teach_plan(&self, request: TeachPlanRequest) -> Reply<TeachPlan> {
        let Plan { labels, train, held_out, in_several, warnings, problem, seconds } =
            self.engine.teach_plan(&Source::Albums(request.albums), None)?;
        let label = |label: sightline_engine::teach::PlanLabel| TeachPlanLabel {
            album: label.album.unwrap_or_default(),
            name: label.name,
            photos: label.photos,
            near_duplicates: label.near_duplicates,
            few: label.few,
        };
        let [probe, adapter, deep] = seconds;
        Ok(TeachPlan {
            labels: labels.into_iter().map(label).collect(),
            train,
            held_out,
            in_several,
            warnings: warnings.into_iter().map(str::to_owned).collect(),
            problem: problem.map(str::to_owned),
            seconds: TeachSeconds { probe, adapter, deep },
        })
    }

    pub fn teach_start(&self, request: TeachStart) -> Reply<JobRow> {
        let options = TeachOptions {
            depth: match request.depth {
                TeachDepth::Probe => Depth::Probe,
                TeachDepth::Adapter => Depth::Adapter,
                TeachDepth::Deep => Depth::Deep,
            },
            epochs: request.epochs,
            learning_rate: request.learning_rate,
            batch: request.batch,
            seed: request.seed,
            train_per_label: None,
            alternating: false,
            objectives: None,
        };
        Ok(job_row(&self.jobs.start(TeachJob::new(Source::Albums(request.albums), options))?))
    }

    pub fn teach_curve(&self, request: JobRequest) -> Reply<TeachCurve> {
        let curve = self.engine.teach_curve(request.job)?;
        Ok(TeachCurve { points: curve.points.into_iter().map(point).collect(), version: curve.version })
    }

    pub fn versions(&self, (): ()) -> Reply<Vec<VersionRow>> {
        Ok(self.engine.versions()?.into_iter().map(version_row).collect())
    }

    pub fn teach_report(&self, request: VersionRequest) -> Reply<TeachReport> {
        let (version, report) = self.engine.version_report(request.version)?;
        Ok(teach_report(version, report))
    }

    pub fn activate_version(&self, request: VersionRequest) -> Reply<JobRow> {
        Ok(job_row(&self.jobs.start(ActivateJob::new(request.version))?))
    }

    pub fn rollback_version(&self, (): ()) -> Reply<JobRow> {
        Ok(job_row(&self.jobs.start(self.engine.rollback()?)?))
    }

    pub fn remove_version(&self, request: VersionRequest) -> Reply<()> {
        Ok(self.engine.remove_version(request.version)?)
    }

    pub fn export_version(&self, request: VersionFile) -> Reply<()> {
        let file = self.grants.take_one(Purpose::ExportVersion, &request.file)?;
        Ok(self.engine.export_version(request.version, &file)?)
    }

    pub fn import_version(&self, request: ImportVersion) -> Reply<VersionRow> {
        let file = self.grants.take_one(Purpose::ImportVersion, &request.file)?;
        Ok(version_row(self.engine.import_version(&file)?))
    }

    pub fn suggestions(&self, request: SuggestionsRequest) -> Reply<Suggestions> {
        let found = self.engine.suggestions(request.label.as_deref(), request.limit)?;
        let labels = found.labels.into_iter();
        Ok(Suggestions {
            labels: labels.map(|l| SuggestedLabel { name: l.name, album: l.album, photos: l.photos }).collect(),
            photos: found
                .photos
                .into_iter()
                .map(|row| SuggestionRow { photo: row.photo, label: row.label, confidence: row.confidence })
                .collect(),
        })
    }

    pub fn answer_suggestion(&self, request: AnswerSuggestion) -> Reply<()> {
        let photo = PhotoId(request.photo);
        match request.verdict {
            Verdict::Yes => {
                self.engine.answer_suggestion(photo, &request.label, sightline_engine::Verdict::Yes)?;
            }
            Verdict::No => self.engine.answer_suggestion(photo, &request.label, sightline_engine::Verdict::No)?,
            Verdict::Undo => self.engine.take_back_answer(photo, &request.label)?,
        }
        Ok(())
    }
}

fn version_row(version: VersionSummary) -> VersionRow {
    VersionRow {
        id: version.id,
        name: version.name,
        depth: match version.depth {
            "probe" => TeachDepth::Probe,
            "deep" => TeachDepth::Deep,
            _ => TeachDepth::Adapter,
        },
        active: version.active,
        made_at: version.made_at,
        labels: version.labels,
        before: version.before,
        after: version.after,
        guard_change: version.guard_change,
    }
}

fn point(point: sightline_engine::teach::CurvePoint) -> CurvePoint {
    CurvePoint { step: point.step, loss: point.loss, accuracy: point.accuracy }
}

fn interval(interval: sightline_engine::teach::Interval) -> Interval {
    Interval { percent: interval.percent, low: interval.low, high: interval.high }
}

fn teach_report(version: VersionSummary, report: Report) -> TeachReport {
    let label = |label: sightline_engine::teach::LabelReport| LabelReport {
        name: label.name,
        train: label.train,
        held_out: label.held_out,
        precision: label.precision,
        recall: label.recall,
        hits: label.hits,
    };
    let mistake = |mistake: sightline_engine::teach::Mistake| Mistake {
        photo: mistake.photo,
        path: mistake.path,
        label: mistake.label,
        taken_for: mistake.taken_for,
        confidence: mistake.confidence,
    };
    TeachReport {
        version: version_row(version),
        train: report.train,
        held_out: report.held_out,
        before: report.before.map(interval),
        after: report.after.map(interval),
        guard_before: report.guard_before,
        guard_after: report.guard_after,
        labels: report.labels.into_iter().map(label).collect(),
        confusion: report.confusion,
        mistakes: report.mistakes.into_iter().map(mistake).collect(),
        curve: report.curve.into_iter().map(point).collect(),
        seconds: report.seconds.iter().sum(),
    }
}
