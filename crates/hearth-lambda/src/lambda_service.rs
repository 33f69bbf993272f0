//! The service as the composition root sees it.

use std::sync::{Arc, Weak};

use hearth_iam::Sealer;
use hearth_runtime::Catalogue;
use hearth_store::{Blobs, Store, StoreError, Trees};
use hearth_wire::lambda::{self, operations as op};
use hearth_wire::{AwsError, CommonError, Context, Router};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::asynchronous::Worker;
use crate::code::CodeStore;
use crate::code_link::{CODE_PATH, CodeLinks};
use crate::error::Error;
use crate::functions::Functions;
use crate::layers::Layers;
use crate::service::Service;
use crate::url_access::UrlAccess;
use crate::{
    Invoker, LambdaOptions, activation, add_layer_version_permission, add_permission, code_link,
    create_alias, create_function, create_function_url_config, delete_alias, delete_function,
    delete_function_concurrency, delete_function_url_config, delete_layer_version, get_account_settings,
    get_alias, get_function, get_function_concurrency, get_function_configuration, get_function_url_config,
    get_layer_version, get_layer_version_by_arn, get_layer_version_policy, get_policy, invoke,
    invoke_with_response_stream, list_aliases, list_function_url_configs, list_functions,
    list_layer_versions, list_layers, list_tags, list_versions_by_function, publish_layer_version,
    publish_version, put_function_concurrency, remove_layer_version_permission, remove_permission, resume,
    tag_resource, untag_resource, update_alias, update_function_code, update_function_configuration,
    update_function_url_config,
};

/// The Lambda API of one node.
pub struct LambdaService {
    service: Arc<Service>,
    closing: watch::Sender<bool>,
    background: Mutex<JoinSet<()>>,
}

impl LambdaService {
    /// A service on its parts. It knows no function before [`LambdaService::resume`]. Must be called inside a tokio
    /// runtime.
    pub fn new(
        store: Arc<dyn Store>,
        blobs: Blobs,
        trees: Trees,
        invoker: Arc<dyn Invoker>,
        sealer: Arc<Sealer>,
        catalogue: Arc<Catalogue>,
        options: LambdaOptions,
    ) -> Self {
        let options = Arc::new(options);
        let (activations, requests) = mpsc::unbounded_channel();
        let service = Arc::new_cyclic(|me| Service {
            me: Weak::clone(me),
            functions: Functions::new(Arc::clone(&store)),
            layers: Layers::new(Arc::clone(&store)),
            store,
            registry: Arc::default(),
            urls: Arc::default(),
            invoker,
            code: CodeStore::new(blobs, trees, options.code_grace),
            code_links: CodeLinks::new(Arc::clone(&sealer), options.code_link_lifetime),
            sealer,
            catalogue,
            options,
            activations,
            turn: Mutex::default(),
        });
        let closing = watch::Sender::new(false);
        let mut background = JoinSet::new();
        background.spawn(until(
            closing.subscribe(),
            activation::run(Arc::clone(&service), requests),
        ));
        Self {
            service,
            closing,
            background: Mutex::new(background),
        }
    }

    /// Registers every operation, and the links to code packages.
    pub fn register(&self, router: &mut Router) {
        let mut routes = router.service(&lambda::MODEL);
        macro_rules! operation {
            ($name:ident, $module:ident) => {
                let service = Arc::clone(&self.service);
                routes.operation::<op::$name, _, _>(move |ctx: Context, input| {
                    let service = Arc::clone(&service);
                    to_its_end(async move { $module::$module(&service, &ctx, input).await })
                });
            };
        }
        operation!(AddLayerVersionPermission, add_layer_version_permission);
        operation!(AddPermission, add_permission);
        operation!(CreateAlias, create_alias);
        operation!(CreateFunction, create_function);
        operation!(CreateFunctionUrlConfig, create_function_url_config);
        operation!(DeleteAlias, delete_alias);
        operation!(DeleteFunction, delete_function);
        operation!(DeleteFunctionConcurrency, delete_function_concurrency);
        operation!(DeleteFunctionUrlConfig, delete_function_url_config);
        operation!(DeleteLayerVersion, delete_layer_version);
        operation!(GetAccountSettings, get_account_settings);
        operation!(GetAlias, get_alias);
        operation!(GetFunction, get_function);
        operation!(GetFunctionConcurrency, get_function_concurrency);
        operation!(GetFunctionConfiguration, get_function_configuration);
        operation!(GetFunctionUrlConfig, get_function_url_config);
        operation!(GetLayerVersion, get_layer_version);
        operation!(GetLayerVersionByArn, get_layer_version_by_arn);
        operation!(GetLayerVersionPolicy, get_layer_version_policy);
        operation!(GetPolicy, get_policy);
        operation!(ListAliases, list_aliases);
        operation!(ListFunctionUrlConfigs, list_function_url_configs);
        operation!(ListFunctions, list_functions);
        operation!(ListLayerVersions, list_layer_versions);
        operation!(ListLayers, list_layers);
        operation!(ListTags, list_tags);
        operation!(ListVersionsByFunction, list_versions_by_function);
        operation!(PublishLayerVersion, publish_layer_version);
        operation!(PublishVersion, publish_version);
        operation!(PutFunctionConcurrency, put_function_concurrency);
        operation!(RemoveLayerVersionPermission, remove_layer_version_permission);
        operation!(RemovePermission, remove_permission);
        operation!(TagResource, tag_resource);
        operation!(UntagResource, untag_resource);
        operation!(UpdateAlias, update_alias);
        operation!(UpdateFunctionCode, update_function_code);
        operation!(UpdateFunctionConfiguration, update_function_configuration);
        operation!(UpdateFunctionUrlConfig, update_function_url_config);
        macro_rules! raw {
            ($name:literal, $module:ident) => {
                let service = Arc::clone(&self.service);
                routes.raw($name, move |ctx, request| {
                    let service = Arc::clone(&service);
                    async move { Ok($module::$module(&service, &ctx, request).await?) }
                });
            };
        }
        raw!("Invoke", invoke);
        raw!("InvokeWithResponseStream", invoke_with_response_stream);
        let service = Arc::clone(&self.service);
        router.links(CODE_PATH, move |permit| {
            let service = Arc::clone(&service);
            async move { code_link::follow(&service, &permit).await }
        });
    }

    /// Puts the functions of the store into service and starts the work in the background: what an earlier server did
    /// not finish, asynchronous invocations, and the removal of code that is not used any more. Call it once, before
    /// requests come in.
    pub async fn resume(&self) -> Result<(), StoreError> {
        resume::resume(&self.service).await?;
        let worker = Worker {
            store: Arc::clone(&self.service.store),
            registry: Arc::clone(&self.service.registry),
            options: Arc::clone(&self.service.options),
        };
        let mut background = self.background.lock().await;
        background.spawn(worker.run(self.closing.subscribe()));
        background.spawn(until(self.closing.subscribe(), tidy(Arc::clone(&self.service))));
        Ok(())
    }

    /// The functions as their URLs lead to them.
    pub fn urls(&self) -> UrlAccess {
        UrlAccess::new(Arc::clone(&self.service))
    }

    /// Starts no more asynchronous invocations, and waits for those that run.
    pub async fn close(&self) {
        self.closing.send_replace(true);
        while self.background.lock().await.join_next().await.is_some() {}
    }
}

/// Runs an operation to its end, also where the client hangs up meanwhile: a change that was committed must be shown.
async fn to_its_end<T: Send + 'static>(
    operation: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, AwsError> {
    match tokio::spawn(operation).await {
        Ok(result) => Ok(result?),
        Err(failed) => Err(AwsError::common(CommonError::Internal, failed.to_string())),
    }
}

/// Works until `closing` is set.
async fn until(mut closing: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        _ = closing.wait_for(|closing| *closing) => {}
        () = work => {}
    }
}

/// Removes code that has not been used for a while, again and again.
async fn tidy(service: Arc<Service>) {
    loop {
        sleep(service.options.code_grace).await;
        service.code.tidy(|| service.packages()).await;
    }
}
