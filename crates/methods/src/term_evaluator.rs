//! The known terms of every query and group, and the evaluation of missing ones.

use super::artefacts::{ArtefactCache, Counterfactuals, Work};
use super::method::{GroupScore, Request};
use super::report::Report;
use whence_base::Result;
use whence_diffusion::elbo::{Estimate, FullPass, Plan, Point, QueryPoint, ScorerQuery, TermTable};

/// Maximum number of values of the full model's predictions in memory (1 GiB).
const CACHED_NUMBERS: usize = 1 << 28;

/// Evaluations after which terms are written, so that a crash loses little.
const WRITE_EVERY: usize = 512;

/// A request to evaluate groups at points of one query.
pub struct TermRequest {
    /// Index of the query.
    pub query: usize,
    /// Timesteps and draws.
    pub points: Vec<(usize, usize)>,
    /// Positions of the groups in the request.
    pub groups: Vec<usize>,
}

/// The terms of all queries and groups.
pub struct TermEvaluator<'a> {
    request: Request<'a>,
    names: Vec<String>,
    counterfactuals: &'a mut dyn Counterfactuals,
    cache: &'a mut dyn ArtefactCache,
    /// Identity of each group's weights; `None` if its model does not exist yet.
    identities: Vec<Option<String>>,
    /// By query, then by group.
    tables: Vec<Vec<TermTable>>,
}

impl<'a> TermEvaluator<'a> {
    /// Loads what earlier runs cached.
    ///
    /// # Errors
    /// Those of the counterfactual models.
    pub fn new(
        request: Request<'a>,
        counterfactuals: &'a mut dyn Counterfactuals,
        cache: &'a mut dyn ArtefactCache,
    ) -> Result<Self> {
        let Request { queries, groups, .. } = request;
        let names: Vec<String> = groups.iter().map(|&g| counterfactuals.name(g)).collect();
        let identities: Vec<_> = groups.iter().map(|g| counterfactuals.identity(*g)).collect::<Result<_>>()?;
        let mut tables = Vec::with_capacity(queries.len());
        for query in queries {
            let load = |identity: &Option<String>| identity.as_ref().map(|i| cache.terms(query, i)).unwrap_or_default();
            tables.push(identities.iter().map(load).collect());
        }
        Ok(Self { request, names, counterfactuals, cache, identities, tables })
    }

    /// Indices of the groups in the dataset.
    pub fn groups(&self) -> &'a [usize] {
        self.request.groups
    }

    /// What is scored.
    pub fn request(&self) -> &Request<'a> {
        &self.request
    }

    /// Names of the groups.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The known terms of a query and a group.
    pub fn table(&self, query: usize, group: usize) -> Option<&TermTable> {
        self.tables.get(query)?.get(group)
    }

    /// The score of a query and a group over a plan, if all its terms are known.
    pub fn score(&self, query: usize, group: usize, plan: &Plan) -> Option<GroupScore> {
        let terms = self.table(query, group)?.weighted(plan)?;
        Some(GroupScore {
            group: self.names.get(group)?.clone(),
            estimate: Estimate::from_terms(&terms, plan.draws),
            evaluations: terms.len(),
            terms,
            draws: plan.draws,
            side: None,
            gate: None,
        })
    }

    /// Work of evaluating the missing terms of these requests.
    pub fn cost(&self, requests: &[TermRequest]) -> Work {
        let mut work = Work::default();
        for requested in requests {
            let missing: usize = requested.groups.iter().map(|g| self.missing(requested, *g).count()).sum();
            let points = self.missing_anywhere(requested).len();
            work += Work { evaluations: missing + points, points, ..Work::default() };
        }
        work
    }

    /// Indices of the requested points at which the group's term is missing.
    fn missing<'w>(&self, requested: &'w TermRequest, group: usize) -> impl Iterator<Item = usize> + use<'_, 'w, 'a> {
        let table = self.table(requested.query, group);
        let known = move |(t, draw): (usize, usize)| table.is_some_and(|table| table.get(t, draw).is_some());
        requested.points.iter().enumerate().filter(move |(_, point)| !known(**point)).map(|(i, _)| i)
    }

    fn missing_anywhere(&self, requested: &TermRequest) -> Vec<usize> {
        let mut all: Vec<usize> = requested.groups.iter().flat_map(|g| self.missing(requested, *g)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Evaluates what is missing: the full model once, then one group's model after the other over all queries. Calls
    /// `group_done` with the evaluator, the position of a group and the progress report once all its requested terms
    /// are known.
    ///
    /// # Errors
    /// Those of models, devices, the store and the report. Terms evaluated before the error remain stored.
    pub fn evaluate(
        &mut self,
        requests: &[TermRequest],
        report: &mut dyn Report,
        group_done: &mut dyn FnMut(&Self, usize, &mut dyn Report) -> Result<()>,
    ) -> Result<()> {
        let portions = self.portions(requests);
        let last = portions.len().saturating_sub(1);
        for (number, portion) in portions.into_iter().enumerate() {
            let indices: Vec<Vec<usize>> = portion.iter().map(|w| self.missing_anywhere(w)).collect();
            let queries: Vec<ScorerQuery> =
                portion.iter().zip(&indices).filter_map(|(w, p)| self.prepared(w, p)).collect();
            let Request { model, settings, .. } = self.request;
            let pass = FullPass::run(model, model.schedule(), &queries, settings.seed, settings.batch, &mut |d, t| {
                report.progress("full model", d, t)
            })?;
            for group in 0..self.groups().len() {
                self.fill(&pass, portion, &indices, group, report)?;
                if number == last {
                    group_done(self, group, report)?;
                }
            }
        }
        Ok(())
    }

    /// Requests in portions whose full-model predictions fit into memory; one empty portion if there are none.
    fn portions<'w>(&self, requests: &'w [TermRequest]) -> Vec<&'w [TermRequest]> {
        let size = self.request.model.sample_shape().numel().max(1);
        let (mut portions, mut start, mut numbers) = (Vec::new(), 0, 0);
        for (i, requested) in requests.iter().enumerate() {
            let own = requested.points.len() * size;
            if i > start && numbers + own > CACHED_NUMBERS {
                portions.extend(requests.get(start..i));
                (start, numbers) = (i, 0);
            }
            numbers += own;
        }
        portions.extend(requests.get(start..));
        portions
    }

    fn prepared(&self, requested: &TermRequest, indices: &[usize]) -> Option<ScorerQuery> {
        let query = self.request.queries.get(requested.query)?;
        let point = |i: &usize| requested.points.get(*i).map(|&(t, draw)| Point { t, draw, weight: 1.0 });
        let points = indices.iter().filter_map(point).collect();
        let codec = self.request.model.codec();
        Some(ScorerQuery::of_image(codec, query.pixels.clone(), query.condition, Plan { points, draws: 1 }))
    }

    /// Evaluates one group's missing terms of a portion, and saves them at intervals.
    fn fill(
        &mut self,
        pass: &FullPass<'_>,
        portion: &[TermRequest],
        indices: &[Vec<usize>],
        group: usize,
        report: &mut dyn Report,
    ) -> Result<()> {
        let Some(&index) = self.groups().get(group) else { return Ok(()) };
        if self.todo(portion, indices, group).is_empty() {
            return Ok(());
        }
        let other = self.counterfactuals.without(index, report)?;
        self.load_now_known(group, index)?;
        let todo = self.todo(portion, indices, group);
        let what = format!("scoring without {}", self.names.get(group).map_or("", String::as_str));
        let (mut done, total) = (0, todo.len());
        for block in todo.chunks(WRITE_EVERY) {
            let at: Vec<_> = block.iter().map(|(point, ..)| *point).collect();
            let terms = pass.terms_at(&other, &at, &mut |d, _| report.progress(&what, done + d, total))?;
            done += block.len();
            for (&(_, query, t, draw), term) in block.iter().zip(terms) {
                if let Some(table) = self.tables.get_mut(query).and_then(|q| q.get_mut(group)) {
                    table.insert(t, draw, term);
                }
            }
            let mut touched: Vec<usize> = block.iter().map(|(_, query, ..)| *query).collect();
            touched.dedup();
            for query in touched {
                if let (Some(image), Some(Some(identity)), Some(table)) =
                    (self.request.queries.get(query), self.identities.get(group), self.table(query, group).cloned())
                {
                    self.cache.save_terms(image, identity, &table)?;
                }
            }
        }
        Ok(())
    }

    /// The missing terms of a group in a portion: the point in the pass, and its query, timestep and draw.
    fn todo(
        &self,
        portion: &[TermRequest],
        indices: &[Vec<usize>],
        group: usize,
    ) -> Vec<(QueryPoint, usize, usize, usize)> {
        let mut todo = Vec::new();
        for (q, (requested, indices)) in portion.iter().zip(indices).enumerate() {
            if !requested.groups.contains(&group) {
                continue;
            }
            let table = self.table(requested.query, group);
            for (p, index) in indices.iter().enumerate() {
                if let Some(&(t, draw)) = requested.points.get(*index)
                    && table.is_none_or(|table| table.get(t, draw).is_none())
                {
                    todo.push((QueryPoint { query: q, point: p }, requested.query, t, draw));
                }
            }
        }
        todo
    }

    /// A model that was just created now has an identity under which terms can be cached.
    fn load_now_known(&mut self, group: usize, index: usize) -> Result<()> {
        let Some(slot) = self.identities.get_mut(group).filter(|i| i.is_none()) else { return Ok(()) };
        let Some(identity) = self.counterfactuals.identity(index)? else { return Ok(()) };
        for (query, tables) in self.request.queries.iter().zip(&mut self.tables) {
            if let Some(table) = tables.get_mut(group) {
                *table = self.cache.terms(query, &identity);
            }
        }
        *slot = Some(identity);
        Ok(())
    }
}
