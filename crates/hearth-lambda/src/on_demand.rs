//! Published versions, and after a start functions too, are taken into service when they are first invoked, not before:
//! there may be many that nobody asks for any more, and they cost neither time at the start nor memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use hearth_engine::InvokeError;
use hearth_types::{FunctionArn, Qualifier};
use hearth_wire::lambda::StateReasonCode;
use tokio::sync::OnceCell;

use crate::activation;
use crate::error::Error;
use crate::function::Function;
use crate::invoker::Deployment;
use crate::lifecycle::{NotReady, Reason};
use crate::running::NotRun;
use crate::service::Service;

/// `$LATEST` or a version that is ready and perhaps in service.
pub(crate) struct OnDemand {
    service: Weak<Service>,
    arn: FunctionArn,
    state: Qualifier,
    deployment: OnceCell<Arc<dyn Deployment>>,
    retired: AtomicBool,
}

impl OnDemand {
    /// One that nobody has invoked yet.
    pub(crate) fn new(service: &Service, arn: FunctionArn, state: Qualifier) -> Arc<Self> {
        Arc::new(Self {
            service: Weak::clone(&service.me),
            arn,
            state,
            deployment: OnceCell::new(),
            retired: AtomicBool::new(false),
        })
    }

    /// What is in service; whoever asks first waits until it is. A failure is not remembered.
    pub(crate) async fn deployment(&self) -> Result<Arc<dyn Deployment>, NotRun> {
        let deployment = self.deployment.get_or_try_init(|| self.deploy()).await?;
        // It was retired while it was being deployed: then nobody else has retired the deployment.
        if self.retired.load(Ordering::SeqCst) {
            deployment.retire();
        }
        Ok(Arc::clone(deployment))
    }

    async fn deploy(&self) -> Result<Arc<dyn Deployment>, NotRun> {
        let service = self.service.upgrade().ok_or(InvokeError::ShuttingDown)?;
        let function = match self.read(&service).await {
            Ok(function) => function,
            Err(Error::NotFound(_)) => return Err(InvokeError::Retired.into()),
            Err(error) => return Err(unusable(error.to_string())),
        };
        let deployed = activation::prepare(&service, &function).await;
        Ok(deployed.map_err(NotReady::Unusable)?)
    }

    /// The state, with what belongs to the function as a whole as that is now.
    async fn read(&self, service: &Service) -> Result<Function, Error> {
        let state = service.functions.state(&self.arn, &self.state).await?.function;
        let whole = service.functions.find(&self.arn).await?.function.whole;
        Ok(Function { whole, ..state })
    }

    /// Takes it out of service for good.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::SeqCst);
        if let Some(deployment) = self.deployment.get() {
            deployment.retire();
        }
    }
}

fn unusable(text: String) -> NotRun {
    let code = StateReasonCode::InternalError;
    NotReady::Unusable(Reason { code, text }).into()
}
