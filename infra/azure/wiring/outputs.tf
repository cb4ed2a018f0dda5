output "event_subscription_id" {
  description = "The event subscription: its deliveries and dead letters are under Metrics in the portal."
  value       = azurerm_eventgrid_event_subscription.onboarding.id
}
