//! The one list of commands: it gives the dispatcher, the TypeScript schema and the names.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ts_rs::{Config, TS, TypeVisitor};

use crate::asking::{Ask, PhotoAnswer};
use crate::duplicate_types::*;
use crate::forgetting::{Forget, ForgetPlan, Privacy};
use crate::models::{Freed, GetModel, ImportModel, ModelRequest, Models, SwitchPlan};
use crate::safekeeping::{BackUp, BackedUp, LibraryCheck};
use crate::teach_types::*;
use crate::trashing::TrashPhotos;
use crate::types::*;
use crate::{Desk, ErrorReply};

/// A list of commands, each a method of `$target`.
macro_rules! commands {
    ($target:ident; $($name:ident: $request:ty => $reply:ty;)*) => {
        /// Names of all commands.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];

        /// Answers a command by its name.
        ///
        /// # Errors
        /// The command's own; `request_wrong` and `command_unknown` for what this version does not know.
        pub fn dispatch(target: &$target, name: &str, request: Value) -> Result<Value, ErrorReply> {
            match name {
                $(stringify!($name) => {
                    let request: $request = $crate::commands::read(name, request)?;
                    let reply: $reply = target.$name(request)?;
                    $crate::commands::write(name, &reply)
                })*
                _ => Err(ErrorReply::new("command_unknown", format!("there is no command {name:?}; update Sightline"))),
            }
        }

        /// Shows every request and reply to a visitor.
        pub(crate) fn visit_types(visitor: &mut impl TypeVisitor) {
            $(visitor.visit::<$request>(); visitor.visit::<$reply>();)*
        }

        /// The commands' types, each `name: [request, reply]`.
        pub(crate) fn schema(config: &Config) -> Vec<String> {
            vec![$(format!(
                "{}: [{}, {}];", stringify!($name), <$request as TS>::name(config), <$reply as TS>::name(config),
            )),*]
        }
    };
}

pub(crate) use commands;

pub(crate) fn read<T: DeserializeOwned>(name: &str, request: Value) -> Result<T, ErrorReply> {
    serde_json::from_value(request).map_err(|error| ErrorReply::new("request_wrong", format!("{name}: {error}")))
}

pub(crate) fn write(name: &str, reply: &impl Serialize) -> Result<Value, ErrorReply> {
    serde_json::to_value(reply).map_err(|error| ErrorReply::new("reply_wrong", format!("{name}: {error}")))
}

commands! {
    Desk;
    overview: () => Overview;
    add_folders: AddFolders => JobRow;
    add_samples: () => JobRow;
    remove_folder: RemoveFolder => ();
    rescan: Rescan => JobRow;
    answer_absence: AnswerAbsence => ();
    control_job: ControlJob => JobRow;
    problems: () => Vec<ProblemRow>;
    search: Search => SearchReply;
    photos: Photos => PhotoList;
    similar: Similar => SearchReply;
    similar_to_file: SimilarToFile => SearchReply;
    photo: PhotoRequest => PhotoDetail;
    explain: Explain => HeatMap;
    caption: PhotoRequest => CaptionDetail;
    describe: PhotoRequest => CaptionDetail;
    ask: Ask => PhotoAnswer;
    stop_asking: () => ();
    write_caption: WriteCaption => CaptionDetail;
    undo_caption: PhotoRequest => CaptionDetail;
    write_out_preview: PhotoRequest => Vec<WriteOutPreview>;
    write_out_caption: WriteOutCaption => PathList;
    undo_write_out: () => PathList;
    tags: PhotoRequest => Vec<TagRow>;
    change_tag: ChangeTag => Vec<TagRow>;
    reveal_tag_list: () => ();
    describe_photos: DescribePhotos => JobRow;
    captions_to_review: () => PhotoList;
    teach_plan: TeachPlanRequest => TeachPlan;
    teach_start: TeachStart => JobRow;
    teach_curve: JobRequest => TeachCurve;
    versions: () => Vec<VersionRow>;
    teach_report: VersionRequest => TeachReport;
    activate_version: VersionRequest => JobRow;
    rollback_version: () => JobRow;
    remove_version: VersionRequest => ();
    export_version: VersionFile => ();
    import_version: ImportVersion => VersionRow;
    suggestions: SuggestionsRequest => Suggestions;
    answer_suggestion: AnswerSuggestion => ();
    find_duplicates: () => JobRow;
    duplicates: DuplicatesRequest => Duplicates;
    no_duplicates: NoDuplicates => ();
    trash_duplicates: TrashDuplicates => JobRow;
    trash_photos: TrashPhotos => Option<JobRow>;
    undo_trash: () => TrashUndone;
    forget_plan: Forget => ForgetPlan;
    forget: Forget => JobRow;
    privacy: () => Privacy;
    let_all_in: () => ();
    facets: () => Facets;
    albums: () => Vec<AlbumRow>;
    create_album: CreateAlbum => AlbumRow;
    rename_album: RenameAlbum => ();
    remove_album: AlbumRequest => ();
    add_to_album: AlbumPhotos => ();
    remove_from_album: AlbumPhotos => ();
    reveal: Reveal => ();
    export_table: ExportTable => ();
    export_copies: ExportCopies => JobRow;
    back_up: BackUp => BackedUp;
    check_library: () => LibraryCheck;
    settings: () => Settings;
    save_settings: Settings => ();
    devices: () => Vec<DeviceRow>;
    measure_device: () => DeviceSpeed;
    model_card: () => ModelCard;
    models: () => Models;
    get_model: GetModel => JobRow;
    import_model: ImportModel => JobRow;
    switch_plan: ModelRequest => SwitchPlan;
    stop_using_model: ModelRequest => ();
    use_model: ModelRequest => JobRow;
    free_vectors: ModelRequest => JobRow;
    verify_model: ModelRequest => JobRow;
    remove_model: ModelRequest => Freed;
    third_party_notices: () => String;
}
