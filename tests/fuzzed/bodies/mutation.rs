//! JSON made of other JSON: what bytes alone seldom reach, since one wrong byte ends a document.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::words::SECRET;

/// Text that has made programs stumble: other spellings, other encodings, what ends a line or a path, what is too long.
const STUMBLING: [&str; 30] = [
    "",
    " ",
    ".",
    "..",
    ".\t.",
    "/",
    "//",
    "/..",
    "a/b",
    "%2e%2e",
    "%2F",
    "?x=1",
    "#y",
    "*",
    "**",
    "{",
    "}",
    "{token}",
    "{connectionId}",
    "\u{0}",
    "\u{7}",
    "\r\n",
    "\u{85}",
    "\u{202e}",
    "\u{fffe}",
    "é",
    "İ",
    "0000-12-31T23:59:60-23:59",
    "9999-12-31T23:59:59Z",
    "18446744073709551616",
];
/// A document larger than this says nothing new.
const LARGEST: usize = 64 * 1024;

/// Numbers by chance, the same for the same beginning (<https://prng.di.unimi.it/splitmix64.c>).
pub struct Dice(u64);

impl Dice {
    /// Dice that begin here.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below another, which is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % (bound as u64)).unwrap_or_default()
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.below(of.len())) }
    }
}

/// The names and values that documents of one kind are made of.
#[derive(Debug, Default)]
pub struct Vocabulary {
    names: Vec<String>,
    values: Vec<Value>,
}

impl Vocabulary {
    /// The words of these documents.
    pub fn of<'a>(documents: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut words = Self::default();
        documents.into_iter().filter_map(|bytes| serde_json::from_slice(bytes).ok()).for_each(|document| words.learn(&document));
        words.names.sort();
        words.names.dedup();
        words
    }

    fn learn(&mut self, value: &Value) {
        if !self.values.contains(value) {
            self.values.push(value.clone());
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Object(members) => members.iter().for_each(|(name, member)| {
                self.names.push(name.clone());
                self.learn(member);
            }),
            _ => {}
        }
    }

    fn value(&self, dice: &mut Dice) -> Value {
        match dice.below(12) {
            0 => json!(dice.one(&STUMBLING)),
            1 => json!(format!("{SECRET} expected {SECRET} at line 1 column 1")),
            2 => Value::Null,
            3 => json!(dice.below(2) == 0),
            4 => number(dice),
            _ => dice.one(&self.values).cloned().unwrap_or_default(),
        }
    }

    fn name(&self, dice: &mut Dice) -> String {
        let known = dice.one(&self.names).cloned().unwrap_or_default();
        match dice.below(16) {
            0 => spoilt(&known, dice),
            1 => dice.one(&STUMBLING).map(|text| (*text).to_owned()).unwrap_or_default(),
            _ => known,
        }
    }
}

/// A document like another, and different; absent where it is no JSON or grew too large.
pub fn mutated(bytes: &[u8], words: &Vocabulary, dice: &mut Dice) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(bytes).ok()?;
    for _ in 0..=dice.below(3) {
        let mut chosen = dice.below(count(&value));
        change(&mut value, &mut chosen, words, dice);
    }
    let text = if dice.below(8) == 0 { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) };
    text.ok().filter(|text| text.len() <= LARGEST)
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// Changes the value of this number, in the order in which they stand.
fn change(value: &mut Value, number: &mut usize, words: &Vocabulary, dice: &mut Dice) -> bool {
    if *number == 0 {
        *value = changed(value, words, dice);
        return true;
    }
    *number -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| change(item, number, words, dice)),
        Value::Object(members) => members.values_mut().any(|member| change(member, number, words, dice)),
        _ => false,
    }
}

fn changed(value: &Value, words: &Vocabulary, dice: &mut Dice) -> Value {
    match (dice.below(8), value) {
        (0, _) => words.value(dice),
        (1, _) => match dice.below(4) {
            0 => json!([value]),
            1 => json!(value.to_string()),
            2 => json!(STANDARD.encode(value.to_string())),
            _ => json!([value, words.value(dice)]),
        },
        (_, Value::String(text)) => string(text, words, dice),
        (_, Value::Number(_)) => number(dice),
        (_, Value::Array(items)) => Value::Array(array(items.clone(), words, dice)),
        (_, Value::Object(members)) => object(members.clone(), words, dice),
        (_, Value::Null | Value::Bool(_)) => words.value(dice),
    }
}

/// Where a text is JSON, plain or in base64, what is in it is changed.
fn string(text: &str, words: &Vocabulary, dice: &mut Dice) -> Value {
    if dice.below(4) != 0 && text.starts_with(['{', '[']) {
        return mutated(text.as_bytes(), words, dice).map_or(Value::Null, |inner| json!(String::from_utf8_lossy(&inner)));
    }
    if let Some(inner) = STANDARD.decode(text).ok().and_then(|inner| mutated(&inner, words, dice)) {
        return json!(STANDARD.encode(inner));
    }
    json!(spoilt(text, dice))
}

fn spoilt(text: &str, dice: &mut Dice) -> String {
    let letters: Vec<char> = text.chars().collect();
    let at = dice.below(letters.len() + 1);
    let (before, after) = letters.split_at(at);
    let (before, after): (String, String) = (before.iter().collect(), after.iter().collect());
    match dice.below(10) {
        0 => text.to_uppercase(),
        1 => format!("{{{text}}}"),
        2 => format!(" {text}\n"),
        3 => before,
        4 => after,
        5 => text.repeat(1 + dice.below(40)),
        6 => format!("{text}/"),
        7 => format!("{before}{SECRET}{after}"),
        _ => format!("{before}{}{after}", dice.one(&STUMBLING).copied().unwrap_or_default()),
    }
}

fn number(dice: &mut Dice) -> Value {
    let numbers = [json!(0), json!(1), json!(2), json!(-1), json!(1.5), json!(1e300), json!(u64::MAX), json!(u32::MAX), json!(i64::MIN)];
    let statuses = [json!(200), json!(201), json!(202), json!(204), json!(207), json!(404), json!(409), json!(429), json!(503)];
    let of = if dice.below(2) == 0 { &numbers } else { &statuses };
    dice.one(of).cloned().unwrap_or_default()
}

fn array(mut items: Vec<Value>, words: &Vocabulary, dice: &mut Dice) -> Vec<Value> {
    let at = dice.below(items.len() + 1);
    match (dice.below(4), items.get(at).cloned()) {
        (0, Some(_)) => drop(items.remove(at)),
        (1, Some(item)) => items.insert(at, item),
        (2, Some(_)) => items.reverse(),
        _ => items.insert(at, words.value(dice)),
    }
    items
}

fn object(mut members: serde_json::Map<String, Value>, words: &Vocabulary, dice: &mut Dice) -> Value {
    let names: Vec<String> = members.keys().cloned().collect();
    let chosen = dice.one(&names).cloned();
    match (dice.below(5), chosen) {
        (0, Some(name)) => drop(members.remove(&name)),
        (1, Some(name)) => {
            let member = members.remove(&name).unwrap_or_default();
            members.insert(words.name(dice), member);
        }
        (2, Some(name)) => {
            let member = members.get(&name).cloned().unwrap_or_default();
            members.insert(words.name(dice), member);
        }
        _ => drop(members.insert(words.name(dice), words.value(dice))),
    }
    Value::Object(members)
}
