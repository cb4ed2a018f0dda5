//! Many tenants in one process.

use futures_util::stream::{self, StreamExt as _};

use super::{Customer, serving};

/// As many as a simulated world of them lets a test be quick with.
const TENANTS: u16 = 60;

#[tokio::test(start_paused = true)]
async fn many_tenants_are_served_side_by_side_and_warm_the_second_time() {
    let customers: Vec<Customer> = (1..=TENANTS).map(Customer::number).collect();
    let s = serving(&customers).start();
    let round = async |name: &str| {
        let deliveries = customers.iter().map(|customer| s.deliver(customer.event(&s, &format!("{name} {}", customer.tenant))));
        stream::iter(deliveries).buffer_unordered(16).count().await;
        let results = s.distinct_results();
        assert!(results.len() == usize::from(TENANTS) && results.values().all(|told| told == "onboarded"), "{results:?}");
        s.count_calls()
    };
    let first = round("first").await;
    assert_eq!(first["ispm.sources.list"], usize::from(TENANTS), "{first:?}");
    // Each has its session still.
    let second = round("second").await;
    assert_eq!(second.values().sum::<usize>(), usize::from(TENANTS) * 4, "{second:?}");
    assert!(customers.iter().all(|customer| customer.is_onboarded(&s)));
}
