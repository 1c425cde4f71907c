//! A reader of RFC 5424 written from its ABNF (section 6), as strict as it: it shares nothing
//! with the crate that writes the lines. `syslog_loose` gives a second opinion.

use std::collections::BTreeMap;

/// A message, taken apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) priority: u8,
    pub(crate) timestamp: String,
    pub(crate) host: String,
    pub(crate) app: String,
    pub(crate) process: String,
    pub(crate) id: String,
    pub(crate) data: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) text: String,
}

impl Message {
    /// A parameter of Roster's structured data.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        &self.data["roster@32473"][name]
    }
}

/// Reads one line, or says at what it stumbled.
pub(crate) fn parse(line: &str) -> Result<Message, String> {
    let message = strict(line).map_err(|what| format!("{what} in {line:?}"))?;
    second_opinion(line, &message);
    Ok(message)
}

fn strict(line: &str) -> Result<Message, String> {
    let rest = line.strip_prefix('<').ok_or("no <")?;
    let (priority, rest) = rest.split_once('>').ok_or("no >")?;
    let plain = priority == "0" || !priority.starts_with('0');
    let priority: u8 = priority.parse().map_err(|_| "no priority")?;
    if priority > 191 || !plain {
        return Err("bad priority".to_owned());
    }
    let rest = rest.strip_prefix("1 ").ok_or("not version 1")?;
    let (timestamp, rest) = word(rest, 64)?;
    check_timestamp(&timestamp)?;
    let (host, rest) = word(rest, 255)?;
    let (app, rest) = word(rest, 48)?;
    let (process, rest) = word(rest, 128)?;
    let (id, rest) = word(rest, 32)?;
    let (data, rest) = structured_data(rest)?;
    let text = match rest {
        "" => "",
        _ => rest.strip_prefix(' ').ok_or("no space before the text")?,
    };
    if text.chars().any(char::is_control) {
        return Err("a control character in the text".to_owned());
    }
    Ok(Message {
        priority,
        timestamp,
        host,
        app,
        process,
        id,
        data,
        text: text.to_owned(),
    })
}

/// NILVALUE / 1*max PRINTUSASCII, and the space behind it.
fn word(rest: &str, max: usize) -> Result<(String, &str), String> {
    let (word, rest) = rest.split_once(' ').ok_or("a header field is missing")?;
    let printable = word.bytes().all(|byte| byte.is_ascii_graphic());
    if word.is_empty() || word.len() > max || !printable {
        return Err(format!("bad header field {word:?}"));
    }
    Ok((word.to_owned(), rest))
}

/// FULL-DATE "T" FULL-TIME with at most six digits of a second.
fn check_timestamp(text: &str) -> Result<(), String> {
    let bad = || format!("bad timestamp {text}");
    let bytes = text.as_bytes();
    let (head, rest) = text.split_at_checked(19).ok_or_else(bad)?;
    for (at, byte) in head.bytes().enumerate() {
        let expected = match at {
            4 | 7 => byte == b'-',
            10 => byte == b'T',
            13 | 16 => byte == b':',
            _ => byte.is_ascii_digit(),
        };
        if !expected {
            return Err(bad());
        }
    }
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if !(1..=6).contains(&digits) {
                return Err(bad());
            }
            &fraction[digits..]
        }
        None => rest,
    };
    (zone == "Z" && bytes.is_ascii())
        .then_some(())
        .ok_or_else(bad)
}

type Data = BTreeMap<String, BTreeMap<String, String>>;

fn structured_data(text: &str) -> Result<(Data, &str), String> {
    if let Some(rest) = text.strip_prefix('-') {
        return Ok((Data::new(), rest));
    }
    let mut data = Data::new();
    let mut rest = text;
    while let Some(element) = rest.strip_prefix('[') {
        let end = element.find([' ', ']']).ok_or("an element does not end")?;
        let id = name(&element[..end])?;
        rest = &element[end..];
        let mut parameters = BTreeMap::new();
        while let Some(parameter) = rest.strip_prefix(' ') {
            let (key, value) = parameter
                .split_once("=\"")
                .ok_or("a parameter has no value")?;
            let (value, behind) = parameter_value(value)?;
            if parameters.insert(name(key)?, value).is_some() {
                return Err(format!("{key} stands twice"));
            }
            rest = behind;
        }
        rest = rest.strip_prefix(']').ok_or("an element does not end")?;
        if data.insert(id.clone(), parameters).is_some() {
            return Err(format!("{id} stands twice"));
        }
    }
    if data.is_empty() {
        return Err("no structured data".to_owned());
    }
    Ok((data, rest))
}

/// SD-NAME: 1*32PRINTUSASCII except '=', SP, ']', %d34.
fn name(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_graphic() && !b"=]\"".contains(&byte);
    if text.is_empty() || text.len() > 32 || !text.bytes().all(allowed) {
        return Err(format!("bad name {text:?}"));
    }
    Ok(text.to_owned())
}

/// PARAM-VALUE, where `"`, `\` and `]` are escaped; and what stands behind its closing quote.
fn parameter_value(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            ']' => return Err("an unescaped ]".to_owned()),
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | '\\' | ']'))) => value.push(escaped),
                _ => return Err("a stray backslash".to_owned()),
            },
            character if character.is_control() => {
                return Err("a control character in a value".to_owned());
            }
            character => value.push(character),
        }
    }
    Err("a value does not end".to_owned())
}

fn second_opinion(line: &str, message: &Message) {
    let theirs = syslog_loose::parse_message(line, syslog_loose::Variant::RFC5424);
    assert_eq!(
        theirs.protocol,
        syslog_loose::Protocol::RFC5424(1),
        "{line}"
    );
    assert_eq!(theirs.appname, Some(message.app.as_str()), "{line}");
    assert_eq!(theirs.msgid, Some(message.id.as_str()), "{line}");
    assert!(theirs.timestamp.is_some(), "{line}");
    for element in &theirs.structured_data {
        assert_eq!(
            element.params().count(),
            message.data[element.id].len(),
            "{line}"
        );
    }
}

#[test]
fn the_specifications_own_examples_are_read() {
    let message = parse(
        "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 \
         [exampleSDID@32473 iut=\"3\" eventSource=\"Application\" eventID=\"1011\"]\
         [examplePriority@32473 class=\"high\"] An application event",
    )
    .expect("example 4");
    assert_eq!(message.data["exampleSDID@32473"]["eventID"], "1011");
    assert_eq!(message.text, "An application event");
}

#[test]
fn what_the_grammar_refuses_is_refused() {
    for line in [
        "",
        "<192>1 2003-10-11T22:14:15Z h a p i - text",
        "<034>1 2003-10-11T22:14:15Z h a p i - text",
        "<34>2 2003-10-11T22:14:15Z h a p i - text",
        "<34>1 2003-10-11 22:14:15Z h a p i - text",
        "<34>1 2003-10-11T22:14:15.1234567Z h a p i - text",
        "<34>1 2003-10-11T22:14:15Z h a p  - text",
        "<34>1 2003-10-11T22:14:15Z h a p i [x@1 a=\"]\"] text",
        "<34>1 2003-10-11T22:14:15Z h a p i [x@1 a=\"b\" text",
        "<34>1 2003-10-11T22:14:15Z h a p i [x@1 a=\"\\n\"] text",
        "<34>1 2003-10-11T22:14:15Z h a p i -text",
        "<34>1 2003-10-11T22:14:15Z h a p i - te\u{1b}xt",
    ] {
        assert!(strict(line).is_err(), "{line}");
    }
}
