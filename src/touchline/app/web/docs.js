/** The API's documentation: Swagger UI, served by the box, over the box's own description. */

/** @type {any} */ (globalThis).SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  tryItOutEnabled: true,
  // It would ask a site elsewhere what it thinks of the description.
  validatorUrl: null,
});
