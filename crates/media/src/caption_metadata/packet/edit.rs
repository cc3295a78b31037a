//! The edit itself: pieces of the packet's text replaced in place.

use std::collections::HashMap;
use std::ops::Range;

use super::tree::{DC, Element, RDF, Space};
use super::value::{array, default_item, escape, holder, items, text as text_of};
use super::{descriptions, read_tree};
use crate::caption_metadata::CaptionMetadata;
use crate::caption_metadata::error::PacketError;

/// `text` with the caption and the keywords of `wanted`, which is normalized.
pub(super) fn apply(text: &str, root: &Element, wanted: &CaptionMetadata) -> Result<String, PacketError> {
    let rdf = root.find(Space::Rdf, "RDF").ok_or(PacketError::NoRdf)?;
    let present = read_tree(root)?;
    if present == *wanted {
        return Ok(text.to_owned());
    }
    let has_dc = |description: &&Element| {
        description.children.iter().any(|child| child.space == Space::Dc)
            || description.attributes.iter().any(|attribute| attribute.space == Space::Dc)
    };
    let Some(home) = descriptions(rdf).find(has_dc).or_else(|| descriptions(rdf).next()) else {
        let mut edit = Edit { text, rdf, home: rdf, replacements: Vec::new(), added: Vec::new() };
        edit.added.push(new_description(rdf.prefix() != "rdf:", wanted));
        return edit.finish();
    };
    let mut edit = Edit { text, rdf, home, replacements: Vec::new(), added: Vec::new() };
    // A property stays in the description it is in, so that its other languages stay with it.
    let owner = |local| descriptions(rdf).find(|each| each.children.iter().any(|child| child.is(Space::Dc, local)));
    if present.caption != wanted.caption {
        let owner = owner("description").unwrap_or(home);
        edit.set("description", owner, new_caption(owner, wanted), |edit, old| edit.set_caption(old, wanted));
    }
    if present.keywords != wanted.keywords {
        let owner = owner("subject").unwrap_or(home);
        edit.set("subject", owner, new_keywords(owner, wanted), |edit, old| edit.set_keywords(old, wanted));
    }
    edit.finish()
}

/// A description with both properties, to stand in an `rdf:RDF`.
pub(super) fn new_description(declare_rdf: bool, metadata: &CaptionMetadata) -> String {
    let declaration = if declare_rdf { format!(" xmlns:rdf=\"{RDF}\"") } else { String::new() };
    let properties = [
        metadata.caption.as_deref().map(|caption| caption_element("dc", "", "rdf:", caption)),
        (!metadata.keywords.is_empty()).then(|| keywords_element("dc", "", "rdf:", &metadata.keywords)),
    ];
    let properties: String = properties.into_iter().flatten().map(|property| format!("\n   {property}")).collect();
    format!("<rdf:Description{declaration} rdf:about=\"\" xmlns:dc=\"{DC}\">{properties}\n  </rdf:Description>")
}

fn new_caption(home: &Element, wanted: &CaptionMetadata) -> Option<String> {
    let (dc, declaration) = dc_prefix(home);
    wanted.caption.as_deref().map(|caption| caption_element(dc, &declaration, home.prefix(), caption))
}

fn new_keywords(home: &Element, wanted: &CaptionMetadata) -> Option<String> {
    let (dc, declaration) = dc_prefix(home);
    (!wanted.keywords.is_empty()).then(|| keywords_element(dc, &declaration, home.prefix(), &wanted.keywords))
}

/// A prefix for Dublin Core inside `home`, and its declaration where there is none yet.
fn dc_prefix(home: &Element) -> (&'static str, String) {
    if home.dc_bound {
        return ("dc", String::new());
    }
    // A redeclared `dc` must not hide the prefix of RDF itself, however odd that one is.
    let prefix = if home.prefix() == "dc:" { "dce" } else { "dc" };
    (prefix, format!(" xmlns:{prefix}=\"{DC}\""))
}

fn caption_element(dc: &str, declaration: &str, rdf: &str, caption: &str) -> String {
    let caption = escape(caption);
    format!(
        "<{dc}:description{declaration}><{rdf}Alt><{rdf}li xml:lang=\"x-default\">{caption}</{rdf}li></{rdf}Alt>\
         </{dc}:description>"
    )
}

fn keywords_element(dc: &str, declaration: &str, rdf: &str, keywords: &[String]) -> String {
    let items: String = keywords.iter().map(|keyword| format!("<{rdf}li>{}</{rdf}li>", escape(keyword))).collect();
    format!("<{dc}:subject{declaration}><{rdf}Bag>{items}</{rdf}Bag></{dc}:subject>")
}

/// Replacements of pieces of one text.
struct Edit<'a> {
    text: &'a str,
    rdf: &'a Element,
    /// The element that new properties go to.
    home: &'a Element,
    replacements: Vec<(Range<usize>, String)>,
    /// Elements to be added to `home`.
    added: Vec<String>,
}

impl<'a> Edit<'a> {
    /// Puts the new value in the first place the property has and takes it out of all others.
    fn set(
        &mut self,
        local: &str,
        owner: &Element,
        mut fresh: Option<String>,
        in_place: impl Fn(&mut Self, &Element) -> bool,
    ) {
        for description in descriptions(self.rdf) {
            for property in description.children.iter().filter(|child| child.is(Space::Dc, local)) {
                // A new element has the prefixes of its owner; elsewhere they may not be bound.
                let usable = std::ptr::eq(description, owner);
                match fresh.take_if(|_| usable) {
                    Some(element) => {
                        if !in_place(self, property) {
                            self.replacements.push((property.span(), element));
                        }
                    }
                    None => self.remove(property.span()),
                }
            }
            for attribute in description.attributes.iter().filter(|each| each.space == Space::Dc && each.local == local)
            {
                self.remove(attribute.span.clone());
            }
        }
        self.added.extend(fresh);
    }

    /// Sets the default caption in an existing language alternative; whether it could.
    fn set_caption(&mut self, property: &Element, wanted: &CaptionMetadata) -> bool {
        let Some(alternatives) = array(property).filter(|array| array.local == "Alt") else { return false };
        let Some(first) = items(alternatives).next() else { return false };
        let caption = escape(wanted.caption.as_deref().unwrap_or_default());
        let new_item = format!("<{0} xml:lang=\"x-default\">{caption}</{0}>", first.name);
        let Some(default) = default_item(alternatives) else {
            self.replacements.push((first.open.start..first.open.start, new_item));
            return true;
        };
        let old = text_of(default, "description").ok();
        for item in items(alternatives) {
            let is_default = std::ptr::eq(item, default);
            if !is_default && text_of(item, "description").ok() != old {
                continue;
            }
            match holder(item).inside().filter(|_| holder(item).children.is_empty()) {
                Some(inside) => self.replacements.push((inside, caption.clone())),
                None if is_default => self.replacements.push((item.span(), new_item.clone())),
                None => {}
            }
        }
        true
    }

    /// Sets the items of an existing bag, where those that stay keep their bytes; whether it could.
    fn set_keywords(&mut self, property: &Element, wanted: &CaptionMetadata) -> bool {
        let Some(bag) = array(property).filter(|array| array.local == "Bag") else { return false };
        let (Some(first), Some(last)) = (items(bag).next(), items(bag).last()) else { return false };
        let mut there = HashMap::new();
        for item in items(bag) {
            if let Ok(text) = text_of(item, "subject") {
                there.entry(text).or_insert(item);
            }
        }
        let written = |keyword: &String| match there.get(keyword) {
            Some(item) => self.text[item.span()].to_owned(),
            None => format!("<{0}>{1}</{0}>", first.name, escape(keyword)),
        };
        let between = &self.text[bag.open.end..first.open.start];
        let between = if between.trim_ascii().is_empty() { between } else { "" };
        let written: Vec<String> = wanted.keywords.iter().map(written).collect();
        self.replacements.push((first.open.start..last.close.end, written.join(between)));
        true
    }

    /// Takes a piece out together with the indentation before it.
    fn remove(&mut self, span: Range<usize>) {
        let before = self.text[..span.start].trim_end_matches([' ', '\t']);
        let before = before.strip_suffix('\n').unwrap_or(before);
        let before = before.strip_suffix('\r').unwrap_or(before);
        self.replacements.push((before.len()..span.end, String::new()));
    }

    /// The text with everything done to it.
    fn finish(mut self) -> Result<String, PacketError> {
        if !self.added.is_empty() {
            let addition = self.addition();
            self.replacements.push(addition);
        }
        self.replacements.sort_by_key(|(span, _)| (span.start, span.end));
        let mut edited = String::with_capacity(self.text.len() + 1024);
        let mut done = 0;
        for (span, new) in &self.replacements {
            edited.push_str(self.text.get(done..span.start).ok_or(PacketError::NotEditable)?);
            edited.push_str(new);
            done = span.end;
        }
        edited.push_str(self.text.get(done..).ok_or(PacketError::NotEditable)?);
        Ok(edited)
    }

    /// The added elements after the last child of their home, on lines of their own.
    fn addition(&self) -> (Range<usize>, String) {
        let home = self.home;
        let line_start = self.text[..home.open.start].rfind('\n').map_or(0, |newline| newline + 1);
        let outside: String =
            self.text[line_start..home.open.start].chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
        let added: String = self.added.iter().map(|element| format!("\n{outside} {element}")).collect();
        match (home.inside(), home.children.last()) {
            (None, _) => {
                (home.close.start.saturating_sub(2)..home.close.start, format!(">{added}\n{outside}</{}>", home.name))
            }
            (Some(_), Some(last)) => (last.close.end..last.close.end, added),
            (Some(_), None) => (home.open.end..home.open.end, added),
        }
    }
}
