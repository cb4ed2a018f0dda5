//! The parts of infra/README.md and docs/security.md that list who may do what.

use ispm_onboarder::permissions::{Holder, Permissions};

pub fn parts() -> Vec<(&'static str, String)> {
    let permissions = Permissions::shipped().unwrap();
    let name = |holder| match holder {
        Holder::Login => "rights of the login",
        Holder::Function => "rights of the function",
        Holder::IspmApp => "rights of the ISPM app",
        Holder::EventsTopic => "rights of the events topic",
        Holder::ResultsTopic => "rights of the results topic",
        Holder::AwsRole => "rights of the role on AWS",
        Holder::AwsRule => "rights of the rule on AWS",
        Holder::AwsTimer => "rights of the sweep's timer on AWS",
        Holder::AwsReplayer => "rights of whoever replays on AWS",
    };
    Holder::ALL.into_iter().map(|holder| (name(holder), permissions.markdown(holder))).collect()
}

pub fn why_not_less() -> (&'static str, String) {
    ("why not less", Permissions::shipped().unwrap().why_not_less())
}
