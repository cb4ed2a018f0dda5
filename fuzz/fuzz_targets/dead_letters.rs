#![no_main]

ispm_onboarder_fuzz::fuzz!(dead_letters);
