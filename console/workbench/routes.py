"""Every page of the trainers' workbench. A new one brings `add_..._routes`, a line here and a row in access.py."""

from aiohttp import web

from console.workbench.agreement_pages import add_agreement_routes
from console.workbench.cluster_pages import add_cluster_routes
from console.workbench.comparison_pages import add_comparison_routes
from console.workbench.content_pages import add_content_routes
from console.workbench.evaluation_pages import add_evaluation_routes
from console.workbench.example_pages import add_example_routes
from console.workbench.guest_item_pages import add_guest_item_routes
from console.workbench.guest_pages import add_guest_routes
from console.workbench.guideline_pages import add_guideline_routes
from console.workbench.home_pages import add_home_routes
from console.workbench.inbox_pages import add_inbox_routes
from console.workbench.item_pages import add_item_routes
from console.workbench.job_pages import add_job_routes
from console.workbench.model_pages import add_model_routes
from console.workbench.release_pages import add_release_routes
from console.workbench.shadow_pages import add_shadow_routes
from console.workbench.third_pages import add_third_routes
from console.workbench.unmask_pages import add_unmask_routes


def add_workbench_routes(app: web.Application) -> None:
    # First: others add their parts to the home page.
    add_home_routes(app)
    add_inbox_routes(app)
    add_item_routes(app)
    add_unmask_routes(app)
    add_third_routes(app)
    add_cluster_routes(app)
    add_agreement_routes(app)
    add_example_routes(app)
    add_guideline_routes(app)
    add_content_routes(app)
    add_guest_routes(app)
    add_guest_item_routes(app)
    add_release_routes(app)
    add_model_routes(app)
    add_evaluation_routes(app)
    add_shadow_routes(app)
    add_comparison_routes(app)
    add_job_routes(app)
