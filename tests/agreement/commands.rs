//! Commands in documents name files, options, variables and outputs that there are.

use std::collections::BTreeSet;
use std::process::Command;

use crate::terraform::{STAGES, Stage};
use crate::{files, pages, project, read};

/// Everything in a page that can be typed: lines of code blocks, and code within lines.
fn typed(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    for (position, part) in text.split("```").enumerate() {
        if position % 2 == 0 {
            commands.extend(part.split('`').skip(1).step_by(2).map(str::to_owned));
        } else {
            let lines = part.replace("\\\n", " ");
            commands.extend(lines.lines().skip(1).map(|line| line.trim_start_matches("$ ").to_owned()));
        }
    }
    commands
}

/// The words of a command, as a shell takes them apart. Square brackets and `…` around what may be left out or repeated are no part of it.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in command.chars().filter(|c| *c != '…') {
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '\'' | '"') => quote = Some(c),
            None if matches!(c, ' ' | '[' | ']' | ',') => words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty())),
            _ => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// The calls of a program in a line: each without the variables set before it, up to the next pipe, redirection or comment.
fn calls(command: &str, program: &str) -> Vec<Vec<String>> {
    let words = words(&command.replace("$(", " ; ").replace(')', " ; ").replace('"', " "));
    let ends = |word: &String| matches!(word.as_str(), "|" | "||" | "&&" | "&" | ";" | ">" | "<" | "<<" | "#") || word.starts_with('#');
    let is_assignment =
        |word: &&String| word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
    let parts = words.split(ends).map(|part| part.iter().skip_while(is_assignment).cloned().collect::<Vec<_>>());
    parts.filter(|part| part.first().is_some_and(|first| first.rsplit('/').next() == Some(program))).collect()
}

mod terraform {
    use super::*;

    const COMMANDS: [&str; 10] = ["init", "fmt", "validate", "plan", "apply", "destroy", "output", "test", "import", "state"];

    /// What is wrong with a command.
    fn fault(words: &[String]) -> Option<String> {
        let folder = words.iter().find_map(|word| word.strip_prefix("-chdir="));
        let mut rest = words[1..].iter().filter(|word| !word.starts_with("-chdir="));
        let command = rest.next()?;
        if !COMMANDS.contains(&command.as_str()) {
            return Some(format!("there is no command {command}"));
        }
        let stage = match folder.map(|folder| folder.strip_prefix("infra/azure/").unwrap_or(folder)) {
            None | Some("STAGE") => return None,
            Some(name) => STAGES.into_iter().find(|stage| *stage == name),
        };
        let Some(stage) = stage.map(Stage::read) else { return Some(format!("there is no folder {}", folder?)) };
        let rest: Vec<&String> = rest.collect();
        let apart = rest.windows(2).filter(|pair| pair[0] == "-var").map(|pair| pair[1].as_str());
        let joined = rest.iter().filter_map(|word| word.strip_prefix("-var="));
        if let Some(unknown) =
            apart.chain(joined).filter_map(|assignment| assignment.split('=').next()).find(|name| !stage.names("variable").contains(name))
        {
            return Some(format!("the stage has no variable {unknown}"));
        }
        let output = rest.iter().find(|word| command == "output" && !word.starts_with('-'))?;
        (!stage.names("output").contains(output.as_str())).then(|| format!("the stage has no output {output}"))
    }

    #[test]
    fn commands_name_stages_variables_and_outputs_that_there_are() {
        for (page, text) in pages() {
            for command in typed(&text).iter().flat_map(|line| calls(line, "terraform")) {
                assert_eq!(fault(&command), None, "{page}: {command:?}");
            }
        }
    }

    /// What Terraform itself tells people to type.
    #[test]
    fn commands_in_terraform_are_right_too() {
        let mut seen = 0;
        for file in files(&project("infra/azure"), &[".tf"]) {
            for command in read(&file).lines().flat_map(|line| calls(line.trim().trim_start_matches("# "), "terraform")) {
                if command.get(1).is_some_and(|word| word.starts_with("-chdir=")) {
                    assert_eq!(fault(&command), None, "{}: {command:?}", file.display());
                    seen += 1;
                }
            }
        }
        assert!(seen > 3, "only {seen} commands were found");
    }

    #[test]
    fn a_wrong_command_is_found() {
        for (wrong, words) in [
            ("terraform -chdir=infra/azure/nowhere apply", "there is no folder infra/azure/nowhere"),
            ("x=$(terraform -chdir=infra/azure/app output -raw nothing)", "the stage has no output nothing"),
            ("terraform -chdir=infra/azure/app plan -var nothing=1", "the stage has no variable nothing"),
            ("terraform -chdir=infra/azure/app plan -var='nothing=1'", "the stage has no variable nothing"),
            ("terraform aply", "there is no command aply"),
        ] {
            let found = calls(wrong, "terraform");
            assert_eq!(found.iter().filter_map(|call| fault(call)).collect::<Vec<_>>(), [words], "{wrong}");
        }
    }

    /// Blocks of variable values: each name is a variable of some stage.
    #[test]
    fn variable_files_set_variables_that_there_are() {
        let stages = Stage::all();
        let variables: BTreeSet<&str> = stages.iter().flat_map(|stage| stage.names("variable")).collect();
        for (page, text) in pages() {
            for block in text.split("```hcl\n").skip(1).filter_map(|rest| rest.split("```").next()) {
                let body: hcl::Body = hcl::parse(block).unwrap_or_else(|error| panic!("{page}: {error} in {block}"));
                for attribute in body.attributes() {
                    assert!(variables.contains(attribute.key()), "{page} sets {}, which no stage knows", attribute.key());
                }
            }
        }
    }
}

mod own {
    use super::*;

    /// Whether the command line's own parser takes the words. Asked for help it does nothing else, once it has read what stands before.
    fn is_taken(words: &[String]) -> bool {
        let placeholder = |word: &str| word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let arguments = words[1..].iter().map(|word| if placeholder(word) { "10" } else { word });
        let mut command = Command::new(env!("CARGO_BIN_EXE_ispm-onboarder"));
        command.args(arguments).arg("--help").env_clear().output().unwrap().status.success()
    }

    #[test]
    fn commands_and_options_of_ispm_onboarder_are_those_that_it_takes() {
        let mut seen = 0;
        for (page, text) in pages() {
            for command in typed(&text).iter().flat_map(|line| calls(line, "ispm-onboarder")) {
                assert!(is_taken(&command), "{page}: {command:?}");
                seen += 1;
            }
        }
        assert!(seen > 5, "only {seen} commands were found");
    }

    #[test]
    fn a_wrong_command_is_found() {
        for wrong in ["ispm-onboarder onbord SCOPE", "$ target/release/ispm-onboarder invoke event.json --dryrun | less"] {
            let found = calls(wrong.trim_start_matches("$ "), "ispm-onboarder");
            assert!(found.len() == 1 && !is_taken(&found[0]), "{wrong}");
        }
    }

    /// What cargo is told: tests, tasks and what `run` hands on.
    fn fault(words: &[String]) -> Option<String> {
        let after = |option: &str| words.iter().skip_while(|word| *word != option).nth(1);
        if let Some(test) = after("--test") {
            let [file, folder] = [format!("tests/{test}.rs"), format!("tests/{test}/main.rs")];
            let of_simulator = format!("simulator/tests/{test}.rs");
            if ![file, folder, of_simulator].iter().any(|path| project(path).is_file()) {
                return Some(format!("there is no test {test}"));
            }
        }
        if let Some(task) = after("xtask") {
            let known = read(&project("xtask/src/main.rs")).to_lowercase();
            let listed = [",", "(", " {"].iter().any(|end| known.contains(&format!("    {task}{end}")));
            return (!listed).then(|| format!("there is no task {task}"));
        }
        let handed_on: Vec<String> = words.iter().skip_while(|word| *word != "--").cloned().collect();
        (words.get(1).is_some_and(|word| word == "run") && !is_taken(&handed_on)).then(|| format!("{handed_on:?} is not taken"))
    }

    #[test]
    fn cargo_runs_tests_tasks_and_commands_that_there_are() {
        for (page, text) in pages() {
            for command in typed(&text).iter().flat_map(|line| calls(line, "cargo")) {
                assert_eq!(fault(&command), None, "{page}: {command:?}");
            }
        }
    }

    #[test]
    fn a_wrong_call_of_cargo_is_found() {
        for wrong in ["UPDATE_DOCS=1 cargo test --test nothing generated", "cargo xtask nothing", "cargo run --release -- dmo"] {
            assert!(calls(wrong, "cargo").iter().any(|call| fault(call).is_some()), "{wrong}");
        }
    }
}
