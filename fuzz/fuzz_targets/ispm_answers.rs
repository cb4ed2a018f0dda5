#![no_main]

ispm_onboarder_fuzz::fuzz!(ispm_answers);
