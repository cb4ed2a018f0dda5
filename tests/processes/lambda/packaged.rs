//! The packages for Lambda, unpacked by others' means.

use crate::deployable::assert_no_simulator;
use crate::package::assert_papers_are_of;
use crate::package::unpacked::Unpacked;

/// The variables that name the packages.
const PACKAGES: [&str; 2] = ["LAMBDA_PACKAGE_X86_64", "LAMBDA_PACKAGE_AARCH64"];

#[test]
#[ignore = "needs the packages; `cargo xtask real` makes them"]
fn a_zip_holds_bootstrap_and_nothing_else() {
    for variable in PACKAGES {
        let package = Unpacked::named_by(variable);
        assert_eq!(package.files().collect::<Vec<_>>(), [("bootstrap", "755")], "{variable}");
        assert_no_simulator(&package.folder().join("bootstrap"));
    }
}

#[test]
#[ignore = "needs the packages; `cargo xtask real` makes them"]
fn the_checksum_and_the_bill_of_materials_are_of_their_zip() {
    for variable in PACKAGES {
        let names = assert_papers_are_of(&Unpacked::named_by(variable), "bootstrap");
        let expected =
            ["lambda_runtime", "aws-sdk-sqs", "aws-sdk-eventbridge", "aws-sdk-secretsmanager", "aws-sdk-sts", "aws-lc-sys", "std"];
        assert!(expected.iter().all(|name| names.contains(*name)), "{variable}: {names:?}");
    }
}
