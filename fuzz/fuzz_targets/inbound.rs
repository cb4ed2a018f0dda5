#![no_main]

ispm_onboarder_fuzz::fuzz!(inbound);
