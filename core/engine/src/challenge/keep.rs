//! Stores what a plugin must not forget, before its operation goes on.

use async_trait::async_trait;
use countersign_plugin::{Data, Scope};

use crate::operation::Keeper;
use crate::store::{DeliveryId, EnrollmentId, Holder, Store, StoreError};

/// Keeps for one delivery on one enrollment.
pub(super) struct ForDelivery<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) delivery: &'a DeliveryId,
    pub(super) enrollment: &'a EnrollmentId,
    pub(super) holder: &'a Holder,
}

#[async_trait]
impl Keeper for ForDelivery<'_> {
    async fn keep(&self, scope: Scope, data: &Data) -> Result<(), StoreError> {
        // Where the row is gone the user was forgotten meanwhile, and this with them.
        match scope {
            Scope::Delivery => self.store.keep_delivery(self.delivery, data).await?,
            Scope::Enrollment => self.store.put_provider_data(self.enrollment, self.holder, data).await?,
        };
        Ok(())
    }
}
